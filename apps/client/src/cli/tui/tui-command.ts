/**
 * `tanglemail tui`: the interactive inbox. What it needs is loaded when it runs. Next:
 * inbox-program.ts. Spec: docs/spec/41-client-api.md, "Interactive inbox".
 */
import { Command } from 'commander';
import { ClientError } from '../../client-error.ts';
import { run } from '../context.ts';
import type { Terminal } from '../terminal.ts';
import { HELP_LINES } from './render.ts';

const DEFAULT_EDITOR = 'vi';

export function tuiCommand(terminal: Terminal): Command {
  const command = new Command('tui')
    .description('read and write mail on the whole screen, with the keys of mutt')
    .addHelpText('after', `\nKeys:\n${HELP_LINES.map((line) => `  ${line}`.trimEnd()).join('\n')}`)
    .addHelpText('after', '\nMessages are written in $VISUAL, $EDITOR, or else vi.');
  const examples = ['tui', 'tui --data-dir ~/other-account'];
  return run(command, terminal, examples, async (context) => {
    const streams = terminal.screenStreams();
    if (streams === undefined || context.isJson) throw new ClientError('no-terminal');
    const [{ DaemonPort }, { InboxProgram }, { TerminalScreen }] = await Promise.all([
      import('./daemon-port.ts'),
      import('./inbox-program.ts'),
      import('./terminal-screen.ts'),
    ]);
    // Without a daemon the command fails as any other does, before it takes the screen.
    await context.daemon();
    const { env } = terminal;
    const screen = new TerminalScreen(streams, env['VISUAL'] || env['EDITOR'] || DEFAULT_EDITOR);
    const program = new InboxProgram(new DaemonPort(() => context.daemon()), screen);
    const release = terminal.guardScreen(
      () => program.leave(),
      () => screen.close(),
    );
    try {
      await program.run();
    } finally {
      screen.close();
      release();
    }
  });
}
