/**
 * `tanglemail incoming`, `fetch` and `quote`: mails that are too large for a letter.
 */
import { Command } from 'commander';
import type { ElsewhereDto, IncomingDto, QuoteDto } from '../api/parcels-dto.ts';
import { CLIENT_ERRORS, ClientError, isClientErrorCode } from '../client-error.ts';
import { run } from './context.ts';
import { collect, integerOption } from './options.ts';
import { ParcelCalls } from './parcel-calls.ts';
import type { Terminal } from './terminal.ts';
import { counted, dateText, sizeText, table } from './text.ts';
import { waitUntil } from './wait.ts';

interface FetchOptions {
  readonly wait?: boolean;
  readonly timeout: string;
}

export function incomingCommand(terminal: Terminal): Command {
  const command = new Command('incoming').description(
    'list large mails whose parts are not all here yet',
  );
  command.option('--discard <id>', 'give one up for ever');
  return run<{ readonly discard?: string }>(
    command,
    terminal,
    ['incoming', 'incoming --discard 3', 'incoming --json'],
    async (context, { discard }) => {
      const calls = new ParcelCalls((await context.daemon()).link);
      if (discard !== undefined) {
        await calls.discard(discard);
        context.print({ id: discard, discarded: true }, () => `Gave up ${discard}.\n`);
        return;
      }
      const list = await calls.incoming();
      context.print(list, () =>
        list.length === 0 ? 'Nothing is on its way.\n' : show(list, terminal.columns),
      );
    },
  );
}

export function fetchCommand(terminal: Terminal): Command {
  const command = new Command('fetch')
    .description('fetch the parts of a large mail now')
    .argument('<id>', 'id of the mail, from `tanglemail incoming`')
    .option('--wait', 'wait until it lies in its folder')
    .option('--timeout <seconds>', 'how long to wait at most', '3600');
  return run<FetchOptions>(
    command,
    terminal,
    ['fetch 3', 'fetch 3 --wait', 'fetch 3 --wait --json'],
    async (context, { wait, timeout }, [id = '']) => {
      const timeoutMs = integerOption('--timeout', timeout, 1, 86_400) * 1_000;
      const calls = new ParcelCalls((await context.daemon()).link);
      const begun = await calls.fetch(id);
      if (wait !== true) {
        context.print(begun, () => `Fetching ${sizeText(begun.sizeBytes)} (${begun.percent} %).\n`);
        return;
      }
      let last = -1;
      await waitUntil(async () => {
        const one = (await calls.incoming()).find((each) => each.id === id);
        if (one === undefined) return true;
        if (one.state === 'refused') throw new ClientError('parcel-refused', one.error);
        if (one.percent !== last) context.note(`${one.percent} %`);
        last = one.percent;
        return undefined;
      }, timeoutMs);
      context.print({ id, delivered: true }, () => `The mail is whole and lies in its folder.\n`);
    },
  );
}

export function quoteCommand(terminal: Terminal): Command {
  const command = new Command('quote')
    .description('say whether a mail of some size can be sent, and what it costs its recipient')
    .requiredOption('--to <who>', 'address or name of a contact; may be repeated', collect)
    .requiredOption('--size <bytes>', 'bytes of the mail');
  return run<{ readonly to: readonly string[]; readonly size: string }>(
    command,
    terminal,
    ['quote --to Bob --size 20000000', 'quote --to Bob --size 20000000 --json'],
    async (context, options) => {
      const sizeBytes = integerOption('--size', options.size, 1, 0xffff_ffff);
      const calls = new ParcelCalls((await context.daemon()).link);
      const quotes = await calls.quote({ to: [...options.to], sizeBytes });
      context.print(quotes, () => quotes.map((one) => `${quoteText(one)}\n`).join(''));
    },
  );
}

/** One sentence about a quote. */
export function quoteText(quote: QuoteDto): string {
  const { address, isLetter, code, sealedBytes, partCount, providers, recipientCost } = quote;
  if (quote.isCopy === true) return copyText(quote);
  if (isLetter) return `${address}: goes as a letter.`;
  if (code !== undefined) {
    const why = isClientErrorCode(code) ? CLIENT_ERRORS[code].title : code;
    return `${address}: cannot be sent: ${why}.`;
  }
  return (
    `${address}: ${partCount} parts, ${sizeText(sealedBytes)}, to ${providers} of the ` +
    `recipient’s providers; keeping them costs the recipient ${recipientCost} bu.`
  );
}

function copyText({ code, sealedBytes, partCount, providers, recipientCost }: QuoteDto): string {
  if (code !== undefined) {
    const why = isClientErrorCode(code) ? CLIENT_ERRORS[code].title : code;
    return `Copy for your other devices: it stays on this one: ${why}.`;
  }
  return (
    `Copy for your other devices: ${counted(partCount, 'part')}, ${sizeText(sealedBytes)}, to ` +
    `${counted(providers, 'provider')} of yours; keeping it costs you ${recipientCost} bu ` +
    `(setting send.copiesToProviders).`
  );
}

export function elsewhereCommand(terminal: Terminal): Command {
  const command = new Command('elsewhere').description(
    'list sent mails and drafts that lie on another device alone',
  );
  return run(command, terminal, ['elsewhere', 'elsewhere --json'], async (context) => {
    const list = await new ParcelCalls((await context.daemon()).link).elsewhere();
    context.print(list, () => {
      if (list.length === 0) return 'Everything that this device knows of is here.\n';
      const columns = [
        { title: 'FOLDER', of: (one: ElsewhereDto) => one.folder },
        { title: 'WHEN', of: (one: ElsewhereDto) => dateText(one.dateMs) },
        { title: 'TO', of: (one: ElsewhereDto) => one.to, isFlexible: true },
        { title: 'SUBJECT', of: (one: ElsewhereDto) => one.subject, isFlexible: true },
        { title: 'SIZE', of: (one: ElsewhereDto) => sizeText(one.sizeBytes), isRight: true },
        { title: 'DEVICE', of: (one: ElsewhereDto) => one.device.name || one.device.id },
      ];
      return table(list, columns, terminal.columns);
    });
  });
}

function show(list: readonly IncomingDto[], width: number): string {
  const columns = [
    { title: 'ID', of: (one: IncomingDto) => one.id },
    {
      title: 'FROM',
      of: (one: IncomingDto) =>
        one.isCopy ? 'own device' : one.from.name || one.preview.from || one.from.address,
      isFlexible: true,
    },
    { title: 'SUBJECT', of: (one: IncomingDto) => one.preview.subject, isFlexible: true },
    { title: 'SIZE', of: (one: IncomingDto) => sizeText(one.sizeBytes) },
    { title: 'STATE', of: (one: IncomingDto) => one.error ?? `${one.state} ${one.percent} %` },
    { title: 'COST', of: (one: IncomingDto) => (one.cost === undefined ? '' : `${one.cost} bu`) },
  ];
  return table(list, columns, width);
}
