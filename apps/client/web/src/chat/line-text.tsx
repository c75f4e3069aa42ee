/** The text of a line: no markup, its web addresses as links. */
import { Fragment } from 'react';
import { partsOf } from './links.ts';

export interface LineTextProps {
  readonly text: string;
  /** Links of other lines are no stops of the tab key. */
  readonly isPresent: boolean;
}

export function LineText({ text, isPresent }: LineTextProps) {
  return (
    <span className="line-text">
      {partsOf(text).map((part) =>
        part.href === undefined ? (
          <Fragment key={part.start}>{part.text}</Fragment>
        ) : (
          <a
            key={part.start}
            href={part.href}
            target="_blank"
            rel="noreferrer noopener"
            tabIndex={isPresent ? 0 : -1}
          >
            {part.text}
          </a>
        ),
      )}
    </span>
  );
}
