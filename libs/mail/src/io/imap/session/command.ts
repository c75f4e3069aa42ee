/**
 * What commands have in common: the states in which they may come, and how they end. Each has a
 * file of its own in commands/; session.ts calls them.
 */
import type { Arguments } from '../syntax/arguments.ts';
import type { Octets } from '../syntax/imap-text.ts';

/** RFC 3501 §3. */
export type ImapState = 'greeted' | 'authenticated' | 'selected' | 'ended';

/** How a command ended: the text of its tagged answer. */
export interface ImapReply {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** What stands in brackets, without them. */
  readonly code?: Octets;
  readonly text: string;
}

export interface CommandForm {
  readonly tag: string;
  readonly isUid: boolean;
}

/** Ends a command with NO; thrown by what it calls. */
export class CommandRefused extends Error {
  readonly code: Octets | undefined;

  constructor(text: string, code?: Octets) {
    super(text);
    this.name = 'CommandRefused';
    this.code = code;
  }
}

export const ANY: readonly ImapState[] = ['greeted', 'authenticated', 'selected'];
export const LOGGED_IN: readonly ImapState[] = ['authenticated', 'selected'];
export const SELECTED: readonly ImapState[] = ['selected'];

export function ok(text: string, code?: Octets): ImapReply {
  return code === undefined ? { status: 'OK', text } : { status: 'OK', text, code };
}

/** A command without arguments. */
export function noArguments(args: Arguments): void {
  args.end();
}
