/**
 * What a list of mails says of those that are not in it yet: large ones whose parts are still at
 * the providers, and those that lie on another device alone. Before: mail-commands.ts and the
 * interactive inbox. Spec: docs/spec/41-client-api.md, section 23.
 */
import type { ElsewhereDto, IncomingDto } from '../api/parcels-dto.ts';
import { ClientError } from '../client-error.ts';
import type { DaemonLink } from './daemon-link.ts';
import { ParcelCalls } from './parcel-calls.ts';
import { counted, oneLine, sizeText } from './text.ts';

/** Lines of one kind; the rest is counted. */
const MAX_LINES = 5;

export interface OnItsWay {
  readonly incoming: readonly IncomingDto[];
  readonly elsewhere: readonly ElsewhereDto[];
}

/** Empty for a daemon that does not tell. */
export async function findOnItsWay(link: DaemonLink): Promise<OnItsWay> {
  const calls = new ParcelCalls(link);
  try {
    const [incoming, elsewhere] = await Promise.all([calls.incoming(), calls.elsewhere()]);
    return { incoming, elsewhere };
  } catch (error) {
    const isOther = error instanceof ClientError && error.code === 'path-unknown';
    if (!isOther) throw error;
    return { incoming: [], elsewhere: [] };
  }
}

/** What belongs to a folder, by its name. */
export function belongsTo(folder: string, { incoming, elsewhere }: OnItsWay): OnItsWay {
  const name = folder.toLowerCase();
  const isFor = ({ isCopy }: IncomingDto): boolean => name === (isCopy ? 'sent' : 'inbox');
  return {
    incoming: incoming.filter(isFor),
    elsewhere: elsewhere.filter((one) => one.folder.toLowerCase() === name),
  };
}

/** One line for each mail, with what can be done about it. */
export function linesOf({ incoming, elsewhere }: OnItsWay): string[] {
  return [...limited(incoming.map(comingText)), ...limited(elsewhere.map(elsewhereText))];
}

function limited(lines: readonly string[]): string[] {
  const more = lines.length - MAX_LINES;
  if (more <= 0) return [...lines];
  return [...lines.slice(0, MAX_LINES), `and ${more} more: tanglemail incoming, elsewhere`];
}

/** A mail that waits, in one sentence. */
export function comingText(one: IncomingDto): string {
  const { id, from, preview, sizeBytes, state, percent, isCopy, error } = one;
  const who = isCopy ? 'sent by another device' : `from ${from.name || from.address}`;
  const what = `${sizeText(sizeBytes)} ${who}, “${oneLine(preview.subject)}”`;
  if (state === 'fetching') return `coming: ${what}, ${percent} %`;
  if (state === 'waiting') return `waits: ${what}; tanglemail fetch ${id}`;
  return `${state}: ${what}, ${error ?? 'no provider has it'}; tanglemail fetch ${id}`;
}

function elsewhereText({ to, subject, sizeBytes, device }: ElsewhereDto): string {
  const whom = to === '' ? '' : ` to ${oneLine(to)}`;
  const where = device.name || device.id;
  return `only on ${oneLine(where)}: ${sizeText(sizeBytes)}${whom}, “${oneLine(subject)}”`;
}

/** How many large mails wait, for a line that has no more room; undefined for none. */
export function waitingText({ incoming }: OnItsWay): string | undefined {
  const waiting = incoming.filter((one) => !one.isCopy);
  const [first] = waiting;
  if (first === undefined) return undefined;
  return `${counted(waiting.length, 'large mail')} on the way; ${comingText(first)}`;
}
