/** Search as you type, above every list of mails. */
import { Search, X } from 'lucide-react';
import { type RefObject, useEffect, useId, useState } from 'react';
import { go, goInstead } from '../frame/route.ts';
import { IconButton } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { type ListPlace, partsOfPlace } from './places.ts';

/** Whoever still types is not asked about each letter. */
const TYPING_PAUSE_MS = 150;
/** As the API takes it. */
const MAX_QUERY_LENGTH = 512;

export interface SearchBarProps {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly place: ListPlace;
  /** Where one goes when the search is cleared. */
  readonly home: ListPlace;
}

export function SearchBar({ field, place, home }: SearchBarProps) {
  const { filing } = useWords();
  const hintId = useId();
  const query = place.kind === 'search' ? place.query : '';
  const [typed, setTyped] = useState({ text: query, query, sent: query });
  if (typed.query !== query) {
    // By what was typed here, or by another way: a link, or the browser's back key.
    setTyped({ ...typed, text: query === typed.sent ? typed.text : query, query });
  }
  useEffect(() => {
    const text = typed.text.trim();
    if (text === query) return undefined;
    const timer = setTimeout(() => {
      setTyped((before) => ({ ...before, sent: text }));
      const parts = partsOfPlace(text === '' ? home : { kind: 'search', query: text });
      // One step of the browser's history for the whole search, not one for each letter.
      if (query === '') go(...parts);
      else goInstead(...parts);
    }, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed.text, query, home]);
  function clear(): void {
    setTyped({ text: '', query, sent: '' });
    goInstead(...partsOfPlace(home));
    field.current?.focus();
  }
  return (
    <search className="search-bar">
      <div className="search-field">
        <Search aria-hidden size={16} />
        <input
          ref={field}
          type="search"
          aria-label={filing.search}
          aria-describedby={hintId}
          placeholder={filing.search}
          maxLength={MAX_QUERY_LENGTH}
          value={typed.text}
          onChange={({ currentTarget }) => setTyped({ ...typed, text: currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Escape' && typed.text !== '') clear();
            if (event.key === 'ArrowDown') {
              document.querySelector<HTMLElement>('.mail-list [role="listbox"]')?.focus();
            }
          }}
        />
        {typed.text === '' ? (
          <kbd aria-hidden>/</kbd>
        ) : (
          <IconButton icon={X} label={filing.clearSearch} onPress={clear} />
        )}
      </div>
      <p id={hintId} className="search-hint">
        {filing.searchHint}
      </p>
    </search>
  );
}
