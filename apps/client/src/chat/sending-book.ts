/**
 * Our own chains: when one begins, who is sent its seed, who watches it, and the sealing of one
 * message. Every function changes a batch under the write lock, so that state, seeds and sealed
 * bytes reach the disk together. Before: chat/chat.ts, chat/chat-sealer.ts; after: mail core,
 * chain. Spec: docs/spec/24-chain.md, docs/spec/43-chat.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import type { ChainSeedNote } from '@tanglemail/mail/core/chain/note.ts';
import { CHAIN_SEED_LENGTH, type ChainId } from '@tanglemail/mail/core/chain/ratchet.ts';
import { CHAIN_KEPT_SECONDS } from '@tanglemail/mail/core/chain/receiving.ts';
import {
  CHAIN_LIFE_SECONDS,
  isLengthDue,
  openSendingChain,
  reseedReason,
  sealChainMessage,
  type SealedChainMessage,
  type SendingChain,
} from '@tanglemail/mail/core/chain/sending.ts';
import { decodeSendingChain, encodeSendingChain } from '@tanglemail/mail/core/chain/state.ts';
import { encodeGroupNote } from '@tanglemail/mail/core/group/note.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import { CHAIN_WINDOW } from '@tanglemail/mail/core/limits.ts';
import type { MailOutcome } from '@tanglemail/mail/core/outcome.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import type { Outbox } from '../outbox/outbox.ts';
import {
  sendingChains,
  type SendingLine,
  type SendingRecord,
  type SentOnChain,
  sentOnChains,
} from '../store/chat-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { applyAll, StagedMap } from '../store/staged-map.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

/** Somebody who gets our seed, and the key that it is sealed to. */
export interface Holder {
  readonly address: MailAddress;
  /** X25519, hex. */
  readonly identityKey: string;
}

/** Whom a chain is for. */
export interface Audience {
  /** 32 bytes, hex. */
  readonly id: string;
  readonly isGroup: boolean;
  /** Everybody who may read, ourselves left out. */
  readonly holders: readonly Holder[];
  /** When somebody of them last wrote, unix seconds; 0: never. */
  readonly lastReceivedAt: number;
}

/** On which chain a message goes to whom; everybody else gets a letter. */
export interface Route {
  readonly chainId: string | undefined;
  readonly watchers: readonly MailAddress[];
  readonly apply: () => void;
}

export interface SendingBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
  readonly suite: SealingSuite;
  readonly outbox: Pick<Outbox, 'enqueueNote'>;
}

/** Times that one person gets what went on one chain again, counted in messages. */
const MAX_ANSWERS = 3;

export class SendingBook {
  readonly #deps: SendingBookDeps;
  readonly #records = new StagedMap<SendingRecord>();
  readonly #sent = new StagedMap<SentOnChain>();

  private constructor(deps: SendingBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: SendingBookDeps): Promise<SendingBook> {
    const book = new SendingBook(deps);
    for await (const { value } of deps.store.scan(sendingChains, { prefix: 's/' })) {
      book.#records.load(value.audience, value);
    }
    for await (const { value } of deps.store.scan(sentOnChains, { prefix: 'p/' })) {
      book.#sent.load(value.chainId, value);
    }
    return book;
  }

  /**
   * How the next message to `audience` goes. Begins a new chain where one is due, and queues its
   * seed for everybody; the chain before it goes on until somebody watches the new one.
   */
  route(batch: SealedBatch, audience: Audience): Route {
    const now = this.#now();
    const record = this.#records.get(audience.id, batch);
    const before = record?.chains ?? [];
    // A chain that somebody can read who is out, or has other keys, carries nothing any more.
    let lines = before.map((one) => (isGone(one, audience) ? ended(one) : one));
    const applies: (() => void)[] = [];
    if (this.#isSeedDue(lines[0], audience, now)) {
      const opened = this.#open(batch, audience, lines[0], now);
      lines = [opened.line, ...lines.map((one, at) => (at === 0 ? told(one) : one))];
      applies.push(
        opened.apply,
        ...lines.slice(2).map((one) => this.#tellLength(batch, one, audience)),
      );
    }
    const kept = lines.slice(0, 2);
    const isSame = kept.length === before.length && kept.every((one, at) => one === before[at]);
    if (record === undefined || !isSame) {
      applies.push(this.#put(batch, { audience: audience.id, chains: kept }));
    }
    const usable = kept.filter((one) => !one.isEnded && isUsable(stateOf(one), now));
    const [best] = usable.toSorted((a, b) => b.watchers.length - a.watchers.length);
    const hasWatchers = best !== undefined && best.watchers.length > 0;
    return {
      chainId: hasWatchers ? best.chainId : undefined,
      watchers: hasWatchers ? best.watchers : [],
      apply: applyAll(applies),
    };
  }

  #isSeedDue(current: SendingLine | undefined, audience: Audience, now: number): boolean {
    if (audience.holders.length === 0) return false;
    if (current === undefined || current.isEnded) return true;
    if (current.holders.length !== audience.holders.length) return true;
    const { lastReceivedAt } = audience;
    const last = lastReceivedAt === 0 ? undefined : lastReceivedAt;
    const state = stateOf(current);
    // It was written on, and nobody watches it (any more): its seed must be lost.
    if (state.next > 0 && current.watchers.length === 0) return true;
    return reseedReason(state, now, last) !== undefined;
  }

  /** Whoever watches a chain hears of what went on it since its length was told. */
  #tellLength(
    batch: SealedBatch,
    line: SendingLine,
    { holders }: Audience,
    watchers: readonly MailAddress[] = line.watchers,
  ): () => void {
    const { next } = stateOf(line);
    if (next <= line.told) return () => {};
    const chainId = line.chainId as ChainId;
    const body = encodeChainNote({ type: 'length', chainId, length: next });
    const dedupe = `length:${chainId}`;
    const accepts = watchers
      .filter((to) => holders.some((one) => one.address === to))
      .map((to) => this.#deps.outbox.enqueueNote(batch, { to, body, dedupe }));
    return () => accepts.forEach((accept) => accept());
  }

  /**
   * Tells the lengths of chains on which nothing went for a day: without that, nobody would miss
   * the last messages of one. `audienceOf`: who may read now, by the audience's id.
   */
  tellLengths(batch: SealedBatch, audienceOf: (id: string) => Audience | undefined): () => void {
    const now = this.#now();
    const applies: (() => void)[] = [];
    for (const record of this.#records.values()) {
      const due = record.chains.filter((one) => isLengthDue(stateOf(one), one.told, now));
      const audience = due.length === 0 ? undefined : audienceOf(record.audience);
      if (audience === undefined) continue;
      applies.push(...due.map((one) => this.#tellLength(batch, one, audience)));
      const chains = record.chains.map((one) => (due.includes(one) ? told(one) : one));
      applies.push(this.#put(batch, { ...record, chains }));
    }
    return applyAll(applies);
  }

  #open(
    batch: SealedBatch,
    audience: Audience,
    previous: SendingLine | undefined,
    now: number,
  ): { readonly line: SendingLine; readonly apply: () => void } {
    const { account, tangle, outbox } = this.#deps;
    const seed = tangle.random.bytes(CHAIN_SEED_LENGTH);
    const bytes = hexToBytes(audience.id);
    const scope = { networkId: account.networkId, from: account.address, audience: bytes };
    const opening = { seed, scope, openedAt: now };
    const before = previous === undefined ? undefined : stateOf(previous);
    const { chain, note } = openSendingChain({
      ...opening,
      ...(before === undefined ? {} : { previous: before }),
    });
    const { previous: _unknown, ...first } = note;
    const applies = audience.holders.map(({ address }) => {
      // Whoever never had the chain before has nothing to miss of it.
      const had = previous?.holders.some((one) => one.address === address) === true;
      const body = encodeSeed(had ? note : first, audience.isGroup);
      const accept = outbox.enqueueNote(batch, { to: address, body });
      return (): void => void accept();
    });
    applies.push(
      this.#putSent(batch, {
        chainId: chain.chainId,
        audience: audience.id,
        holders: audience.holders.map((one) => one.address),
        openedAt: now,
        sent: [],
        answered: [],
      }),
      () => seed.fill(0),
    );
    const line = lineOf(chain, [...audience.holders], []);
    return { line, apply: applyAll(applies) };
  }

  /**
   * Seals the next message of a chain. Undefined: the chain is gone, since somebody left, or it is
   * over. Codes: as sealChainMessage.
   */
  seal(
    batch: SealedBatch,
    chainId: string,
    content: { readonly letterId: LetterId; readonly sentAt: number; readonly message: Uint8Array },
    maxEnvelope: number,
  ): { readonly outcome: MailOutcome<SealedChainMessage>; readonly apply: () => void } | undefined {
    const sent = this.#sent.get(chainId, batch);
    const record = sent && this.#records.get(sent.audience, batch);
    const line = record?.chains.find((one) => one.chainId === chainId);
    if (sent === undefined || record === undefined || line === undefined) return undefined;
    const state = stateOf(line);
    // The core measures a chain's life by the time of the message; ours may have waited for days.
    if (line.isEnded || !isUsable(state, this.#now())) return undefined;
    const draft = { kind: 'text', ...content } as const;
    const outcome = sealChainMessage(state, draft, maxEnvelope, this.#deps.suite);
    if (!outcome.ok) return { outcome, apply: () => {} };
    const { chain, number, bytes } = outcome.value;
    const moved = { ...line, state: bytesToHex(encodeSendingChain(chain)) };
    const chains = record.chains.map((one) => (one === line ? moved : one));
    const { letterId } = content;
    const mark = { number, letterId, tag: bytesToHex(bytes.subarray(2, 18)) };
    const applies = [
      this.#put(batch, { ...record, chains }),
      this.#putSent(batch, { ...sent, sent: [...sent.sent, mark] }),
      () => state.key.fill(0),
    ];
    return { outcome, apply: applyAll(applies) };
  }

  /** Somebody watches a chain of ours. */
  noteWatcher(batch: SealedBatch, chainId: string, who: MailAddress): () => void {
    return this.#changeWatchers(batch, chainId, (watchers, holders) =>
      holders.includes(who) && !watchers.includes(who) ? [...watchers, who] : watchers,
    );
  }

  /** No provider of `who` has a message that went on a chain: letters again, then a new chain. */
  noteUnwatched(
    batch: SealedBatch,
    letterId: string,
    who: MailAddress,
    audience: Audience,
  ): () => void {
    const sent = this.#sent.values().find((one) => one.sent.some((of) => of.letterId === letterId));
    const chains = sent && this.#records.get(sent.audience, batch)?.chains;
    const line = chains?.find((one) => one.chainId === sent?.chainId);
    if (line === undefined || !line.watchers.includes(who)) return () => {};
    const left = this.#changeWatchers(batch, line.chainId, (watchers) =>
      watchers.filter((one) => one !== who),
    );
    // Nobody tells it to him later.
    return applyAll([left, this.#tellLength(batch, line, audience, [who])]);
  }

  #changeWatchers(
    batch: SealedBatch,
    chainId: string,
    change: (watchers: MailAddress[], holders: MailAddress[]) => MailAddress[],
  ): () => void {
    const sent = this.#sent.get(chainId, batch);
    const record = sent && this.#records.get(sent.audience, batch);
    const line = record?.chains.find((one) => one.chainId === chainId);
    if (record === undefined || line === undefined) return () => {};
    const holders = line.holders.map((one) => one.address);
    const watchers = change(line.watchers, holders);
    if (watchers === line.watchers) return () => {};
    const chains = record.chains.map((one) => (one === line ? { ...line, watchers } : one));
    return this.#put(batch, { ...record, chains });
  }

  /** Whether messages may still go on a chain. */
  isCurrent(batch: SealedBatch, chainId: string): boolean {
    const sent = this.#sent.get(chainId, batch);
    const record = sent && this.#records.get(sent.audience, batch);
    return record?.chains.some((one) => one.chainId === chainId && !one.isEnded) === true;
  }

  /** Ends all chains to an audience: the next message begins a new one. */
  end(batch: SealedBatch, audience: string): () => void {
    const record = this.#records.get(audience, batch);
    return record === undefined || record.chains.length === 0
      ? () => {}
      : this.#put(batch, { ...record, chains: record.chains.map(ended) });
  }

  /** Ends all chains whose seed `who` has, to himself and to groups. */
  endTo(batch: SealedBatch, who: MailAddress): () => void {
    const holds = ({ chains }: SendingRecord): boolean =>
      chains.some((one) => one.holders.some(({ address }) => address === who));
    const held = this.#records.values().filter(holds);
    return applyAll(held.map(({ audience }) => this.end(batch, audience)));
  }

  /** What went on a chain that `who` may ask about, by its id or by the tag of a message. */
  sentTo(
    who: MailAddress,
    what: { readonly chainId: string } | { readonly tag: string },
    batch: SealedBatch,
  ): SentOnChain | undefined {
    const found =
      'chainId' in what
        ? this.#sent.get(what.chainId, batch)
        : this.#sent.values().find((one) => one.sent.some(({ tag }) => tag === what.tag));
    return found?.holders.includes(who) === true ? found : undefined;
  }

  /** Counts an answer of `count` messages to `who` about a chain; undefined: there were enough. */
  countAnswer(
    batch: SealedBatch,
    sent: SentOnChain,
    who: MailAddress,
    count: number,
  ): (() => void) | undefined {
    const before = sent.answered.find((one) => one.to === who)?.times ?? 0;
    if (before >= MAX_ANSWERS * Math.max(1, sent.sent.length)) return undefined;
    const others = sent.answered.filter((one) => one.to !== who);
    const times = before + Math.max(1, count);
    return this.#putSent(batch, { ...sent, answered: [...others, { to: who, times }] });
  }

  /** Forgets what went on chains that nobody can still ask about. */
  prune(batch: SealedBatch): () => void {
    const now = this.#now();
    const over = this.#sent.values().filter((one) => now >= one.openedAt + CHAIN_KEPT_SECONDS);
    const applies = over.map(({ chainId }) => {
      batch.del('chain', this.#sentKey(chainId));
      return this.#sent.set(batch, chainId, undefined);
    });
    return applyAll(applies);
  }

  #now(): number {
    return Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
  }

  #put(batch: SealedBatch, record: SendingRecord): () => void {
    const key = `s/${this.#deps.store.opaque(`sending/${record.audience}`)}`;
    batch.put(sendingChains, key, record);
    return this.#records.set(batch, record.audience, record);
  }

  #putSent(batch: SealedBatch, sent: SentOnChain): () => void {
    batch.put(sentOnChains, this.#sentKey(sent.chainId), sent);
    return this.#sent.set(batch, sent.chainId, sent);
  }

  #sentKey(chainId: string): string {
    return `p/${this.#deps.store.opaque(`sent/${chainId}`)}`;
  }
}

/** Its length, as it is now, is told. */
function told(line: SendingLine): SendingLine {
  return { ...line, told: stateOf(line).next };
}

function ended(line: SendingLine): SendingLine {
  return line.isEnded ? line : { ...line, isEnded: true };
}

function lineOf(chain: SendingChain, holders: Holder[], watchers: MailAddress[]): SendingLine {
  const { chainId } = chain;
  const state = bytesToHex(encodeSendingChain(chain));
  return { chainId, state, holders, watchers, told: 0, isEnded: false };
}

function stateOf(line: SendingLine): SendingChain {
  const decoded = decodeSendingChain(hexToBytes(line.state));
  if (!decoded.ok) throw new Error(`broken invariant: a stored chain is sound (${decoded.code})`);
  return decoded.value;
}

/** Receivers watch 128 numbers ahead of what they have seen; nothing may go further. */
function isUsable(state: SendingChain, now: number): boolean {
  return state.next < CHAIN_WINDOW && now < state.openedAt + CHAIN_LIFE_SECONDS;
}

function isGone(line: SendingLine, { holders }: Audience): boolean {
  const has = new Set(holders.map((one) => `${one.address} ${one.identityKey}`));
  return line.holders.some((one) => !has.has(`${one.address} ${one.identityKey}`));
}

function encodeSeed(seed: ChainSeedNote, isGroup: boolean): Uint8Array {
  return isGroup ? encodeGroupNote({ type: 'seed', seed }) : encodeChainNote(seed);
}
