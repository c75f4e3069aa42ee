/**
 * A subject without what answers and lists put around it, so that a conversation has one. Before:
 * a decoded Subject field; next: io/imap, SORT and THREAD. Source: RFC 5256 §2.1.
 */

/** Characters of a subject that are looked at. */
const MAX_SUBJECT = 2_000;

export interface BaseSubject {
  readonly base: string;
  /** Something said that it is an answer or forwarded. */
  readonly isReply: boolean;
}

const TRAILER = /(?:\(fwd\)|\s)$/i;
const LEADER = /^(?:(?:\[[^[\]]*\]\s*)*(?:re|fwd?)\s*(?:\[[^[\]]*\]\s*)?:|\s)/i;
const BLOB = /^\[[^[\]]*\]\s*/;

/** `subject` is decoded, in one line. */
export function baseSubject(subject: string): BaseSubject {
  let base = subject.slice(0, MAX_SUBJECT).replaceAll(/\s+/g, ' ');
  let isReply = false;
  for (;;) {
    for (let end = TRAILER.exec(base); end !== null; end = TRAILER.exec(base)) {
      isReply ||= end[0].length > 1;
      base = base.slice(0, end.index);
    }
    for (;;) {
      const start = LEADER.exec(base)?.[0];
      if (start !== undefined) {
        isReply ||= start.length > 1;
        base = base.slice(start.length);
        continue;
      }
      const blob = BLOB.exec(base)?.[0];
      // A subject that is nothing but a name in brackets is that name.
      if (blob === undefined || blob.length === base.length) break;
      base = base.slice(blob.length);
    }
    const inner = /^\[fwd:(.*)\]$/i.exec(base)?.[1];
    if (inner === undefined) return { base, isReply };
    isReply = true;
    base = inner;
  }
}

/** Texts that compare equal whatever the case: i;unicode-casemap of RFC 5051. */
export function collationKey(text: string): string {
  return text.toUpperCase().normalize('NFKD');
}
