/**
 * `tanglemail web`: the link that signs a browser of this machine in.
 * Spec: docs/spec/41-client-api.md, "Pages".
 */
import { Command } from 'commander';
import { ClientError } from '../client-error.ts';
import { run } from './context.ts';
import type { Terminal } from './terminal.ts';

/** The page shows the part behind # to nobody but the daemon, and takes it out of the history. */
export function webLinkOf(api: string, token: string): string {
  return `${api}/#token=${token}`;
}

export function webCommand(terminal: Terminal): Command {
  const command = new Command('web').description(
    'show the link that opens the web client; whoever has it reads your mail while the daemon runs',
  );
  return run(command, terminal, ['web', 'web --json'], async (context) => {
    const { file } = await context.daemon();
    if (file.api.startsWith('unix:')) throw new ClientError('pages-off', file.api);
    const link = webLinkOf(file.api, file.token);
    context.print({ link }, () => `${link}\n`);
  });
}
