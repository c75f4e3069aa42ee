/**
 * `tanglemail search`, `threads` and `rules`.
 */
import { Command } from 'commander';
import type { MessageSummaryDto } from '../api/dto.ts';
import type { RuleDto, ThreadDto } from '../api/mailbox-dto.ts';
import { ClientError } from '../client-error.ts';
import { run } from './context.ts';
import { mailboxOf } from './folder-commands.ts';
import { collect, integerOption } from './options.ts';
import type { Terminal } from './terminal.ts';
import { counted, dateText, oneLine, table } from './text.ts';
import { whoOf } from './who.ts';

const PAGE = 500;
/** Bytes that a size in a rule can name. */
const MAX_SIZE = 1 << 30;

const QUERY_HELP = `
All words and conditions must hold:
  from:anna to:shop subject:report body:word attachment:pdf has:attachment
  after:2026-01-31 before:2026-02-28 on:2026-02-01 larger:20k smaller:1m
  in:Archive is:unread is:flagged label:work "whole words" mistke~ -not`;

const MAIL_COLUMNS = [
  { title: 'ID', of: (one: MessageSummaryDto) => one.id },
  { title: 'WHEN', of: (one: MessageSummaryDto) => dateText(one.dateMs) },
  { title: 'FROM', of: whoOf, isFlexible: true },
  { title: 'SUBJECT', of: (one: MessageSummaryDto) => one.subject, isFlexible: true },
];

export function searchCommand(terminal: Terminal): Command {
  const command = new Command('search')
    .description('find messages in all folders, newest first')
    .argument('<words...>', 'words and conditions')
    .option('--limit <count>', 'messages', '20')
    .addHelpText('after', QUERY_HELP);
  return run<{ limit: string }>(
    command,
    terminal,
    ['search invoice from:anna after:2026-01-31', "search 'in:Archive has:attachment' --json"],
    async (context, options, words) => {
      const limit = integerOption('--limit', options.limit, 1, PAGE);
      const result = await (await mailboxOf(context)).search(words.join(' '), limit);
      if (result.pending > 0) {
        context.note(`${counted(result.pending, 'message')} not searched yet.`);
      }
      context.print(result, () => {
        if (result.total === 0) return 'Nothing found.\n';
        const kind = result.isFuzzy ? ' with words like these' : '';
        const found = `${counted(result.total, 'message')} found${kind}.\n`;
        return `${table(result.messages, MAIL_COLUMNS, terminal.columns)}${found}`;
      });
    },
  );
}

export function threadsCommand(terminal: Terminal): Command {
  const command = new Command('threads')
    .description('list conversations, or the messages of one')
    .argument('[id]', 'id of any message of a conversation')
    .option('--folder <name>', 'conversations with a message in this folder')
    .option('--limit <count>', 'conversations', '20');
  return run<{ folder?: string; limit: string }>(
    command,
    terminal,
    ['threads', 'threads INBOX.12', 'threads --folder INBOX --json'],
    async (context, options, [id]) => {
      const limit = integerOption('--limit', options.limit, 1, PAGE);
      const mailbox = await mailboxOf(context);
      if (id !== undefined) {
        const messages = await mailbox.thread(id);
        context.print(messages, () => table(messages, MAIL_COLUMNS, terminal.columns));
        return;
      }
      const threads = await mailbox.threads(limit, options.folder);
      context.print(threads, () => {
        if (threads.length === 0) return 'There is no conversation.\n';
        const columns = [
          { title: 'ID', of: (one: ThreadDto) => one.newestId },
          { title: 'WHEN', of: (one: ThreadDto) => dateText(one.newestMs) },
          { title: '', of: (one: ThreadDto) => (one.unread > 0 ? '*' : '') },
          { title: 'MAILS', of: (one: ThreadDto) => `${one.count}`, isRight: true },
          { title: 'WHO', of: (one: ThreadDto) => one.people.join(', '), isFlexible: true },
          { title: 'SUBJECT', of: (one: ThreadDto) => one.subject, isFlexible: true },
        ];
        return table(threads, columns, terminal.columns);
      });
    },
  );
}

export function rulesCommand(terminal: Terminal): Command {
  return new Command('rules')
    .description('what happens with mail as it arrives')
    .addCommand(listRulesCommand(terminal), { isDefault: true })
    .addCommand(addRuleCommand(terminal))
    .addCommand(removeRuleCommand(terminal))
    .addCommand(placeRuleCommand(terminal));
}

function describeRules(rules: readonly RuleDto[]): string {
  if (rules.length === 0) return 'There are no rules.\n';
  return rules
    .map(({ name, isEnabled, isLast, when, actions }, at) => {
      const state = [isEnabled ? '' : 'off', isLast ? 'last' : ''].filter((one) => one !== '');
      const conditions = partsOf(when, CONDITIONS, ' or ');
      const done = partsOf(actions, ACTIONS, ' and ');
      const what = `${conditions === '' ? 'all mail' : conditions} -> ${done}`;
      const extra = state.length === 0 ? '' : ` (${state.join(', ')})`;
      return `${at + 1}  ${oneLine(name)}${extra}: ${oneLine(what)}\n`;
    })
    .join('');
}

/** How the parts of a rule are called, in the words of the options that make them. */
const CONDITIONS: Readonly<Record<keyof RuleDto['when'], string>> = {
  from: 'from',
  to: 'to',
  subject: 'subject',
  largerThan: 'larger than',
  smallerThan: 'smaller than',
  hasAttachment: 'has an attachment',
};
const ACTIONS: Readonly<Record<keyof RuleDto['actions'], string>> = {
  moveTo: 'move to',
  labels: 'label',
  markRead: 'mark as read',
  markFlagged: 'mark as flagged',
  trash: 'move to Trash',
};

function partsOf<T extends object>(
  parts: T,
  names: Readonly<Record<keyof T, string>>,
  between: string,
): string {
  const entries = Object.entries(parts) as [keyof T, string | number | true | string[]][];
  return entries
    .map(([key, value]) => {
      if (value === true) return names[key];
      return `${names[key]} ${Array.isArray(value) ? value.join(between) : value}`;
    })
    .join(', ');
}

function listRulesCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list all rules in their order');
  return run(command, terminal, ['rules', 'rules list --json'], async (context) => {
    const rules = await (await mailboxOf(context)).rules();
    context.print(rules, () => describeRules(rules));
  });
}

interface AddOptions {
  readonly name?: string;
  readonly from?: string[];
  readonly to?: string[];
  readonly subject?: string[];
  readonly larger?: string;
  readonly smaller?: string;
  readonly hasAttachment?: true;
  readonly move?: string;
  readonly label?: string[];
  readonly read?: true;
  readonly flagged?: true;
  readonly trash?: true;
  readonly last?: true;
}

function addRuleCommand(terminal: Terminal): Command {
  const command = new Command('add')
    .description('add a rule at the end: if all conditions hold, do all actions')
    .option('--name <text>', 'what you call it')
    .option('--from <text>', 'part of the sender; one of several', collect)
    .option('--to <text>', 'part of a recipient, such as +shop@', collect)
    .option('--subject <text>', 'part of the subject', collect)
    .option('--larger <bytes>', 'larger than this')
    .option('--smaller <bytes>', 'smaller than this')
    .option('--has-attachment', 'with an attachment')
    .option('--move <folder>', 'into this folder')
    .option('--label <word>', 'set a label; may be repeated', collect)
    .option('--read', 'mark as read')
    .option('--flagged', 'mark as flagged')
    .option('--trash', 'into Trash')
    .option('--last', 'look at no further rule');
  return run<AddOptions>(
    command,
    terminal,
    ['rules add --from boss --move Work --flagged', 'rules add --to +shop@ --label shop --read'],
    async (context, options) => {
      const mailbox = await mailboxOf(context);
      const before = await mailbox.rules();
      const rules = await mailbox.setRules([...before, ruleOf(options, before.length + 1)]);
      context.print(rules, () => describeRules(rules));
    },
  );
}

function ruleOf(options: AddOptions, number: number): RuleDto {
  const { from, to, subject, larger, smaller, hasAttachment, move, label } = options;
  const actions = {
    ...(move === undefined ? {} : { moveTo: move }),
    ...(label === undefined ? {} : { labels: label }),
    ...(options.read ? { markRead: true as const } : {}),
    ...(options.flagged ? { markFlagged: true as const } : {}),
    ...(options.trash ? { trash: true as const } : {}),
  };
  if (Object.keys(actions).length === 0) {
    throw new ClientError('request-malformed', 'the rule does nothing: see --help');
  }
  const size = (flag: string, text: string): number => integerOption(flag, text, 0, MAX_SIZE);
  return {
    name: options.name ?? `Rule ${number}`,
    isEnabled: true,
    isLast: options.last === true,
    when: {
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(subject === undefined ? {} : { subject }),
      ...(larger === undefined ? {} : { largerThan: size('--larger', larger) }),
      ...(smaller === undefined ? {} : { smallerThan: size('--smaller', smaller) }),
      ...(hasAttachment ? { hasAttachment } : {}),
    },
    actions,
  };
}

/** The rule with this number, and the others. */
function pick(rules: readonly RuleDto[], text: string): { at: number; rule: RuleDto } {
  const at = /^[0-9]{1,3}$/.test(text) ? Number(text) - 1 : -1;
  const rule = rules[at];
  if (rule === undefined) throw new ClientError('rule-unknown', text);
  return { at, rule };
}

function removeRuleCommand(terminal: Terminal): Command {
  const command = new Command('remove').description('remove a rule').argument('<number>');
  return run(command, terminal, ['rules remove 2'], async (context, _options, [text = '']) => {
    const mailbox = await mailboxOf(context);
    const before = await mailbox.rules();
    const rules = await mailbox.setRules(before.toSpliced(pick(before, text).at, 1));
    context.print(rules, () => describeRules(rules));
  });
}

function placeRuleCommand(terminal: Terminal): Command {
  const command = new Command('place')
    .description('put a rule at another place in the order')
    .argument('<number>')
    .argument('<new-number>');
  const examples = ['rules place 3 1'];
  return run(command, terminal, examples, async (context, _options, [from = '', to = '']) => {
    const mailbox = await mailboxOf(context);
    const before = await mailbox.rules();
    const { at, rule } = pick(before, from);
    const target = pick(before, to).at;
    const rules = await mailbox.setRules(before.toSpliced(at, 1).toSpliced(target, 0, rule));
    context.print(rules, () => describeRules(rules));
  });
}
