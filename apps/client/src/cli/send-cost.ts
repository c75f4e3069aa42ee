/**
 * What a large mail costs its recipients, said before it is sent. Before: send-command.ts; after:
 * parcel-calls.ts.
 */
import type { SendMessageDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import type { CommandContext } from './context.ts';
import { ParcelCalls } from './parcel-calls.ts';
import { quoteText } from './parcel-commands.ts';

/** Larger mails surely travel in parts. */
const LARGE_BYTES = 24_576;
/** Larger mails are asked for at a terminal. */
const ASK_BYTES = 5_242_880;

/** About how large the mail of a message will be. */
export function sizeOf({ text, attachments = [] }: SendMessageDto): number {
  const bytes = attachments.reduce((sum, one) => sum + one.contentBase64.length, 0);
  // Base64 in lines of 76; headers are a few hundred bytes.
  return text.length + Math.ceil((bytes * 78) / 76);
}

/** Says what a large mail costs its recipients, and asks whoever sits there before a very large. */
export async function tellCost(
  context: CommandContext,
  to: readonly string[],
  sizeBytes: number,
  isSure: boolean,
): Promise<void> {
  if (sizeBytes <= LARGE_BYTES) return;
  const calls = new ParcelCalls((await context.daemon()).link);
  try {
    const quotes = await calls.quote({ to: [...to], sizeBytes });
    for (const quote of quotes) context.note(quoteText(quote));
  } catch (error) {
    // A price that is not known keeps nobody from sending: the daemon has the last word.
    if (!(error instanceof ClientError)) throw error;
    context.note(`No quote: ${error.message}.`);
  }
  const { isInputTty, isErrorTty } = context.terminal;
  const isAsked = isInputTty && isErrorTty && !context.isJson && !isSure;
  if (!isAsked || sizeBytes <= ASK_BYTES) return;
  const answer = await context.terminal.ask('Send it? [y/N] ', false);
  if (!/^y(es)?$/i.test(answer.trim())) throw new ClientError('send-cancelled');
}
