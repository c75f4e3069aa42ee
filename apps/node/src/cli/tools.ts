/**
 * `tangle-node tools …`: what an operator needs before a node runs, and when one is in doubt.
 * Output that is data is JSON with `--json`; files are never overwritten. Each command stands in a
 * file of its own beside this one.
 */
import { Command } from 'commander';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { renderConfigDocs } from '../config/docs.ts';
import { benchCommand, benchPowCommand } from './bench.ts';
import { dbCommand } from './db.ts';
import { genesisCommand } from './genesis.ts';
import { committeeCommand, keysCommand, peerIdCommand } from './keys.ts';
import { privateNetworkCommand } from './private-network.ts';
import type { Servers } from './run.ts';
import { signerCommand } from './signer.ts';
import { snapshotCommand } from './snapshot.ts';
import { votesCommand } from './votes.ts';

/** The command group; `terminal` gets all output, `servers` start the APIs of nodes. */
export function toolsCommand(terminal: Terminal, servers: Servers): Command {
  return new Command('tools')
    .description('keys, genesis documents, checks of the database and measurements')
    .addCommand(keysCommand(terminal))
    .addCommand(committeeCommand(terminal))
    .addCommand(genesisCommand(terminal))
    .addCommand(peerIdCommand(terminal))
    .addCommand(dbCommand(terminal))
    .addCommand(votesCommand(terminal))
    .addCommand(signerCommand(terminal))
    .addCommand(snapshotCommand(terminal))
    .addCommand(benchCommand(terminal))
    .addCommand(benchPowCommand(terminal))
    .addCommand(privateNetworkCommand(terminal, servers))
    .addCommand(configDocsCommand(terminal));
}

function configDocsCommand(terminal: Terminal): Command {
  return new Command('config-docs')
    .description('print docs/configuration.md')
    .action(() => terminal.out(renderConfigDocs()));
}
