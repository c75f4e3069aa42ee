/** What the facts of a line are in words: notices, days, states. Pure. */
import type { ChatMessageDto, ChatPersonDto } from '../../../src/api/chat-dto.ts';
import { countText, fill } from '../words/plurals.ts';
import type { Words } from '../words/en.ts';
import { type Delivery, deliveryOf, type DeliveryState } from './delivery.ts';
import type { Line } from './loaded-lines.ts';

/** As a line calls somebody. */
export function nameOf({ name, address }: ChatPersonDto): string {
  return name === '' ? `${address.slice(0, 12)}…` : name;
}

/** A notice in the language of the pages. */
export function noticeText(
  language: string,
  words: Words['chat'],
  { notice, sender, isOwn, text }: ChatMessageDto,
): string {
  if (notice === undefined) return text;
  const { kind, target, name = '', lines = 1 } = notice;
  const whom = target === undefined ? '' : target.isOwn ? words.yourself : nameOf(target);
  const values = {
    author: nameOf(sender),
    target: whom,
    name,
    lines: countText(language, words.noticeLines, lines),
  };
  const said = isOwn && kind !== 'lost' ? words.ownNotices[kind] : words.notices[kind];
  return fill(said, values);
}

const DAY_MS = 86_400_000;

/** Today and yesterday by these words, other days by their date. */
export function dayText(language: string, atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const near = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  for (const days of [0, 1]) {
    const day = new Date(nowMs - days * DAY_MS);
    if (day.toDateString() === at.toDateString()) return near.format(-days, 'day');
  }
  const isThisYear = at.getFullYear() === new Date(nowMs).getFullYear();
  const form: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'long' };
  const whole = isThisYear ? form : { ...form, year: 'numeric' as const };
  return new Intl.DateTimeFormat(language, whole).format(at);
}

/** The hour at which a line was written; the day too, if it came on another one. */
export function lineTime(
  language: string,
  { sentAtMs, receivedAtMs }: Pick<Line, 'sentAtMs' | 'receivedAtMs'>,
): string {
  const sent = new Date(sentAtMs);
  const isSameDay = sent.toDateString() === new Date(receivedAtMs).toDateString();
  const hour: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit' };
  const form = isSameDay ? hour : ({ ...hour, day: 'numeric', month: 'short' } as const);
  return new Intl.DateTimeFormat(language, form).format(sent);
}

export type Recipient = Line['recipients'][number];

/** How far a line has come to one person. */
export function recipientText(words: Words['chat'], one: Recipient): string {
  const values = {
    n: one.storedCount,
    all: one.providerCount,
    reason: reasonText(words, one.error),
  };
  return fill(words.states[one.state], values);
}

function reasonText({ reasons, noReason }: Words['chat'], code: string | undefined): string {
  if (code === undefined) return noReason;
  return Object.entries(reasons).find(([known]) => known === code)?.[1] ?? code;
}

/** How far an own line has come, in words; undefined when there is nobody to reach. */
export function deliveryText(
  words: Words['chat'],
  { recipients }: Line,
): { readonly text: string; readonly delivery: Delivery } | undefined {
  const delivery = deliveryOf(recipients);
  if (delivery === undefined) return undefined;
  const { state, count, all, lost } = delivery;
  const furthest = recipients.find((one) => one.state === state);
  const alone = furthest === undefined ? '' : recipientText(words, furthest);
  if (all === 1 || delivery.isLost) return { text: alone, delivery };
  const counted = countedText(words, state);
  const text = counted === undefined ? alone : fill(counted, { n: count, all });
  if (lost.length === 0) return { text, delivery };
  return { text: `${text} · ${fill(words.lost, { n: lost.length, all })}`, delivery };
}

function countedText({ groupStates }: Words['chat'], state: DeliveryState): string | undefined {
  return Object.entries(groupStates).find(([known]) => known === state)?.[1];
}
