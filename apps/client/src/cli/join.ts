/**
 * `tanglemail device join` outside a daemon: its own way to the tangle for as long as it takes.
 * Before: device-commands.ts; after: devices/link-guest.ts.
 */
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { LINK_SECONDS } from '@tanglemail/mail/core/link/protocol.ts';
import { bestSuite } from '@tanglemail/mail/io/crypto/native-suite.ts';
import type { AccountFacts } from '../account/create.ts';
import { ClientError } from '../client-error.ts';
import { type JoinOptions, joinAccount } from '../devices/link-guest.ts';
import { openTangle } from '../tangle/tangle-access.ts';

/** Throws ClientError `link-expired` when the code is over, and what `joinAccount` throws. */
export async function joinFromShell(
  options: JoinOptions,
  showNumber: (number: string) => void,
): Promise<AccountFacts> {
  const signal = AbortSignal.timeout(LINK_SECONDS * 1_000);
  const tangle = await openTangle(
    { nodeUrl: options.nodeUrl, genesis: options.genesis, powThreads: 1 },
    {
      clock: SYSTEM_CLOCK,
      random: SYSTEM_RANDOM,
      logger: SILENT_LOGGER,
      checkpoint: undefined,
      lifetime: signal,
    },
  );
  try {
    return await joinAccount(options, { tangle, suite: bestSuite(), signal, showNumber });
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new ClientError('link-expired', undefined, { cause });
  } finally {
    await tangle.close();
  }
}
