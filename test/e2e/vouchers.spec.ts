/**
 * Vouchers against a real provider process, with channels on a real ledger, over plain HTTP: what
 * was accepted once counts once, and nothing lower, foreign or forged counts at all.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { settlementOf } from '../../tools/devnet/ledger.ts';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { CHANNEL_AMOUNT, Payer, type Channel } from './testing/payer.ts';
import { Rig } from './testing/rig.ts';

const SETUP_TIMEOUT_MS = 120_000;
const FIRST_CREDIT = 10_000n;

/** Longer than `claimStart`, so that a first voucher is taken. */
const BRIEF_LIFE_SECONDS = 8;

let rig: Rig | undefined;
let payer: Payer;
let channel: Channel;
let other: Channel;

beforeAll(async () => {
  rig = await Rig.open({
    withoutClients: true,
    // Dear enough that a poor mailbox can be shown.
    settings: {
      provider: {
        prices: { perRequest: 9_000 },
        offer: { minTtl: 1 },
        times: { sellStop: 2, claimStart: 4, claimAlarm: 1 },
      },
    },
  });
  const { devnet } = rig;
  const urls = {
    node: devnet.apiOf('node-2'),
    faucet: devnet.apiOf('faucet'),
    provider: devnet.apiOf('provider'),
  };
  payer = await Payer.open(urls, 'first');
  channel = await payer.openChannel('one');
  other = await payer.openChannel('two');
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await payer?.close();
  await rig?.close();
}, SETUP_TIMEOUT_MS);

function theRig(): Rig {
  if (rig === undefined) throw new Error('the network did not start');
  return rig;
}

const shown = (one: Channel, cumulative: bigint, signer = one) => ({
  channel: one,
  cumulative,
  signature: payer.sign({ ...one, secretKey: signer.secretKey }, cumulative),
});

describe('a storage provider', () => {
  it('asks for payment with a challenge, and opens the mailbox for a voucher', async () => {
    const bare = await payer.send('POST', '/v1/mailboxes', {});
    expect(bare).toMatchObject({ status: 400, body: { code: 'request-malformed' } });
    const made = await payer.createMailbox('rich', channel, FIRST_CREDIT);
    expect(made).toMatchObject({ status: 201, body: { balance: `${FIRST_CREDIT}` } });
  });

  it('voucher-not-increasing: a voucher replayed for another request', async () => {
    const replayed = await payer.credit('rich', 2_000n, shown(channel, FIRST_CREDIT));
    expect(replayed).toMatchObject({
      status: 402,
      body: { code: 'voucher-not-increasing', voucher: { cumulative: `${FIRST_CREDIT}` } },
    });
  });

  it('voucher-not-increasing: a voucher lower than one before', async () => {
    const lower = await payer.credit('rich', 2_000n, shown(channel, FIRST_CREDIT - 1n));
    expect(lower).toMatchObject({ status: 402, body: { code: 'voucher-not-increasing' } });
  });

  it('voucher-too-small: a voucher that adds less than what it is for', async () => {
    const small = await payer.credit('rich', 2_000n, shown(channel, FIRST_CREDIT + 1_999n));
    expect(small).toMatchObject({ status: 402, body: { code: 'voucher-too-small' } });
  });

  it('voucher-signature: a voucher of another channel’s key', async () => {
    const forged = await payer.credit('rich', 2_000n, shown(channel, FIRST_CREDIT + 2_000n, other));
    expect(forged).toMatchObject({ status: 402, body: { code: 'voucher-signature' } });
  });

  it('voucher-signature: a signature for one channel shown for another', async () => {
    const signature = payer.sign(channel, FIRST_CREDIT + 2_000n);
    const voucher = { channel: other, cumulative: FIRST_CREDIT + 2_000n, signature };
    const moved = await payer.credit('rich', 2_000n, voucher);
    expect(moved).toMatchObject({ status: 402, body: { code: 'voucher-signature' } });
  });

  it('channel-unconfirmed: a voucher of a channel that no ledger has', async () => {
    const unknown = { ...channel, channelId: `${'ab'.repeat(32)}0000` as OutputId };
    const answer = await payer.credit('rich', 2_000n, shown(unknown, FIRST_CREDIT + 2_000n));
    expect(answer).toMatchObject({ status: 402, body: { code: 'channel-unconfirmed' } });
  });

  it('voucher-over-deposit: a voucher over more than the channel holds', async () => {
    const answer = await payer.credit('rich', 2_000n, shown(channel, 1_000_001n));
    expect(answer).toMatchObject({ status: 402, body: { code: 'voucher-over-deposit' } });
  });

  it('credits each voucher once, also when the same request comes twice', async () => {
    const voucher = shown(channel, FIRST_CREDIT + 2_000n);
    const [one, two] = await Promise.all([
      payer.credit('rich', 2_000n, voucher),
      payer.credit('rich', 2_000n, voucher),
    ]);
    const balances = [one, two].filter((answer) => answer.status === 200);
    expect(balances.length).toBeGreaterThanOrEqual(1);
    for (const { body } of balances) expect(body).toMatchObject({ balance: '12000' });
  });

  it('balance-insufficient: a mailbox that cannot pay for its requests', async () => {
    const { token, mailboxId } = await payer.login('rich');
    const headers = { authorization: `Bearer ${token}` };
    const ask = () => payer.send('GET', `/v1/mailboxes/${mailboxId}`, undefined, headers);
    expect(await ask()).toMatchObject({ status: 200, body: { balance: '3000' } });
    const refused = await ask();
    expect(refused).toMatchObject({ status: 402, body: { code: 'balance-insufficient' } });
    expect(String(refused.body['detail'])).toContain('3000');
  });

  it('keeps what it has accepted over a kill', async () => {
    await theRig().devnet.kill('provider');
    await theRig().devnet.start('provider');
    const voucher = shown(channel, FIRST_CREDIT + 2_000n);
    const repeated = await payer.credit('rich', 2_000n, voucher);
    expect(repeated).toMatchObject({ status: 200, body: { balance: '12000', credited: '2000' } });
    const replayed = await payer.credit('rich', 1_000n, voucher);
    expect(replayed).toMatchObject({
      status: 402,
      body: { code: 'voucher-not-increasing', voucher: { cumulative: '12000' } },
    });
  });

  it(
    'channel-gone, channel-ttl: claims before the expiry, takes no voucher after it',
    async () => {
      const brief = await payer.openChannel('brief', BRIEF_LIFE_SECONDS);
      const silent = await payer.openChannel('silent', BRIEF_LIFE_SECONDS);
      const expiry = Math.floor(Date.now() / 1_000) + BRIEF_LIFE_SECONDS;
      const { stage } = theRig();
      const opened = await payer.createMailbox('brief', brief, FIRST_CREDIT);
      expect(opened).toMatchObject({ status: 201 });
      const settled = await until('the provider claims', 20_000, async () => {
        return (await settlementOf(stage.node1, brief.channelId)) ?? new NotYet('unspent');
      });
      expect(settled).toMatchObject({
        paid: FIRST_CREDIT,
        refunded: CHANNEL_AMOUNT - FIRST_CREDIT,
      });
      const gone = await payer.credit('brief', 2_000n, shown(brief, FIRST_CREDIT + 2_000n));
      expect(gone).toMatchObject({ status: 410, body: { code: 'channel-gone' } });
      await until('ledger time has passed the expiry', 20_000, async () => {
        const { body } = await payer.send('GET', '/v1/status');
        const { timestampMs = 0 } = body['ledger'] as { timestampMs?: number };
        return timestampMs / 1_000 > expiry ? true : new NotYet(`${timestampMs}`);
      });
      const late = await payer.credit('brief', 2_000n, shown(silent, 2_000n));
      expect(late).toMatchObject({ status: 402, body: { code: 'channel-ttl' } });
    },
    SETUP_TIMEOUT_MS,
  );
});
