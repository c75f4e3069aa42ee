/**
 * `tanglemail spam`: what is asked of people whom we do not know.
 */
import { Command, InvalidArgumentError } from 'commander';
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import type { SpamRulesDto, SpamRulesPatchDto } from '../api/spam-dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import type { DaemonLink } from './daemon-link.ts';
import type { Terminal } from './terminal.ts';
import { facts } from './text.ts';

/** The routes of the rules for strangers. */
class SpamCalls {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  rules(): Promise<SpamRulesDto> {
    return this.#link.json('spam');
  }

  change(patch: SpamRulesPatchDto): Promise<SpamRulesDto> {
    return this.#link.json('spam', { method: 'PATCH', json: patch });
  }
}

export function spamCommand(terminal: Terminal): Command {
  return new Command('spam')
    .description('what is asked of people whom you do not know')
    .addCommand(showCommand(terminal))
    .addCommand(setCommand(terminal));
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show').description('show what is asked of strangers');
  return run<object>(command, terminal, ['spam show', 'spam show --json'], async (context) => {
    print(context, await (await callsOf(context)).rules());
  });
}

interface SetOptions {
  readonly stampBits?: number;
  readonly contactsOnly?: boolean;
}

function setCommand(terminal: Terminal): Command {
  const command = new Command('set')
    .description('ask more or less of strangers, or hear contacts only')
    .option('--stamp-bits <n>', `work over each mail, 0 to ${MAX_STAMP_BITS} bits`, readBits)
    .option('--contacts-only <on|off>', 'hear nobody but contacts', readSwitch);
  const examples = ['spam set --stamp-bits 22', 'spam set --contacts-only on'];
  return run<SetOptions>(command, terminal, examples, async (context, patch) => {
    if (patch.stampBits === undefined && patch.contactsOnly === undefined) {
      throw new ClientError('request-malformed', 'give --stamp-bits or --contacts-only');
    }
    const { stampBits, contactsOnly } = patch;
    const changed = await (
      await callsOf(context)
    ).change({
      ...(stampBits === undefined ? {} : { stampBits }),
      ...(contactsOnly === undefined ? {} : { contactsOnly }),
    });
    print(context, changed);
  });
}

async function callsOf(context: CommandContext): Promise<SpamCalls> {
  return new SpamCalls((await context.daemon()).link);
}

function print(context: CommandContext, rules: SpamRulesDto): void {
  context.print(rules, () =>
    facts([
      ['strangers', rules.contactsOnly ? 'not heard' : 'heard, in Requests'],
      ['stamp', rules.stampBits === 0 ? 'none' : `${rules.stampBits} bits of work`],
    ]),
  );
}

function readBits(text: string): number {
  const bits = /^\d{1,2}$/.test(text) ? Number(text) : MAX_STAMP_BITS + 1;
  if (bits > MAX_STAMP_BITS) throw new InvalidArgumentError(`0 to ${MAX_STAMP_BITS}`);
  return bits;
}

function readSwitch(text: string): boolean {
  if (text !== 'on' && text !== 'off') throw new InvalidArgumentError('on or off');
  return text === 'on';
}
