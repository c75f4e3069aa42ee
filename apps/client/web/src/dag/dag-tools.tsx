/** What stands above the picture: its title, search, the time shown, follow and pause. */
import { Pause, Play, Radio, Search } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { type DagPlace, WINDOWS_MS } from './use-dag-place.ts';

/** Longer than any id; what is said back stays short. */
const MAX_SEARCH_LENGTH = 70;

export interface DagToolsProps {
  readonly titleId: string;
  readonly place: DagPlace;
}

export function DagTools({ titleId, place }: DagToolsProps) {
  const { dag } = useWords();
  const count = useCount();
  const { windowMs, isPaused, heldMs, setWindow, togglePause, follow, search } = place;
  const lengthOf = (ms: number): string =>
    ms < 60_000 ? count(dag.lastSeconds, ms / 1_000) : count(dag.lastMinutes, ms / 60_000);
  return (
    <header className="dag-tools">
      <h2 id={titleId}>{dag.title}</h2>
      <SearchField search={search} />
      <select
        aria-label={dag.window}
        className="dag-select"
        value={windowMs}
        onChange={({ target }) => setWindow(Number(target.value))}
      >
        {WINDOWS_MS.map((ms) => (
          <option key={ms} value={ms}>
            {lengthOf(ms)}
          </option>
        ))}
      </select>
      {heldMs !== undefined && !isPaused && (
        <Button icon={Radio} onPress={follow}>
          {dag.follow}
        </Button>
      )}
      <Button icon={isPaused ? Play : Pause} onPress={togglePause}>
        {isPaused ? dag.resume : dag.pause}
      </Button>
    </header>
  );
}

function SearchField({ search }: { readonly search: (text: string) => boolean }) {
  const { dag } = useWords();
  const id = useId();
  const [text, setText] = useState('');
  const [missed, setMissed] = useState('');
  function onSubmit(event: FormEvent): void {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted !== '') setMissed(search(wanted) ? '' : wanted);
  }
  return (
    <form className="dag-search" role="search" aria-label={dag.search} onSubmit={onSubmit}>
      <Search aria-hidden size={16} />
      <input
        type="search"
        aria-label={dag.search}
        aria-describedby={id}
        placeholder={dag.search}
        maxLength={MAX_SEARCH_LENGTH}
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          setMissed('');
        }}
      />
      <p id={id} role="status" className="dag-missed">
        {missed === '' ? undefined : fill(dag.noMatch, { text: missed })}
      </p>
    </form>
  );
}
