/**
 * Where the passphrase comes from: a file, the environment, or the terminal. Never a flag: those
 * are shown to every user of the machine.
 */
import { readFile } from 'node:fs/promises';
import { ClientError } from '../client-error.ts';
import type { Terminal } from './terminal.ts';

const ATTEMPTS = 3;
const VARIABLE = 'TANGLEMAIL_PASSPHRASE';

/** The passphrase of an account that is there. Throws ClientError `passphrase-missing`. */
export async function readPassphrase(
  terminal: Terminal,
  file: string | undefined,
  { variable, question } = { variable: VARIABLE, question: 'Passphrase: ' },
): Promise<string> {
  const given = await givenPassphrase(terminal, file, variable);
  if (given !== undefined) return given;
  if (!terminal.isInputTty) throw new ClientError('passphrase-missing');
  return nonEmpty(await terminal.ask(question, true));
}

/** A passphrase for a new account, typed twice. Throws ClientError `passphrase-missing`. */
export async function choosePassphrase(
  terminal: Terminal,
  file: string | undefined,
  variable = VARIABLE,
): Promise<string> {
  const given = await givenPassphrase(terminal, file, variable);
  if (given !== undefined) return given;
  if (!terminal.isInputTty) throw new ClientError('passphrase-missing');
  if (variable === VARIABLE) {
    terminal.err('The passphrase protects the account on this machine.\n');
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = nonEmpty(await terminal.ask('New passphrase: ', true));
    if ((await terminal.ask('The same again: ', true)) === first) return first;
    terminal.err('The two are not the same.\n');
  }
  throw new ClientError('passphrase-missing', `not typed twice in ${ATTEMPTS} attempts`);
}

async function givenPassphrase(
  terminal: Terminal,
  file: string | undefined,
  variable: string,
): Promise<string | undefined> {
  if (file === undefined) {
    const given = terminal.env[variable];
    return given === undefined ? undefined : nonEmpty(given);
  }
  try {
    const text = await readFile(file, 'utf8');
    return nonEmpty(text.split(/\r?\n/, 1)[0] ?? '');
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError('file-unusable', file, { cause });
  }
}

function nonEmpty(passphrase: string): string {
  if (passphrase === '') throw new ClientError('passphrase-missing', 'it is empty');
  return passphrase;
}
