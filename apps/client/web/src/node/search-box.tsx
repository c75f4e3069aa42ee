/** The one search box: what it may be is told by its form. After: search-page.tsx. */
import { Search } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { go } from '../frame/route.ts';
import { useWords } from '../words/use-words.ts';

/** As many characters as search-text.ts looks at, and one to see that there are more. */
const MAX_TYPED = 201;

export function SearchBox() {
  const { node } = useWords();
  const [typed, setTyped] = useState('');
  const search = (event: FormEvent): void => {
    event.preventDefault();
    if (typed.trim() !== '') go('node', 'search', typed.trim());
  };
  return (
    <search className="node-search">
      <form onSubmit={search}>
        <Search aria-hidden size={16} />
        <input
          type="search"
          aria-label={node.search}
          placeholder={node.searchHint}
          value={typed}
          maxLength={MAX_TYPED}
          spellCheck={false}
          autoComplete="off"
          onChange={({ target }) => setTyped(target.value)}
        />
      </form>
    </search>
  );
}
