/** The text of a mail, its links to be followed; on hover and focus they show whose they are. */
import { useMemo } from 'react';
import { Link, Tooltip, TooltipTrigger } from 'react-aria-components';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { partsOf } from './links.ts';

const TOOLTIP_AFTER_MS = 200;

export function LinkedText({ text }: { readonly text: string }) {
  const { reading } = useWords();
  const parts = useMemo(() => partsOf(text), [text]);
  return (
    <div className="card-text">
      {parts.map(({ text: piece, at, link }) =>
        link === undefined ? (
          piece
        ) : (
          <TooltipTrigger key={at} delay={TOOLTIP_AFTER_MS}>
            <Link href={link.href} target="_blank" rel="noreferrer noopener">
              {piece}
            </Link>
            <Tooltip className="tooltip">{fill(reading.goesTo, { host: link.host })}</Tooltip>
          </TooltipTrigger>
        ),
      )}
    </div>
  );
}
