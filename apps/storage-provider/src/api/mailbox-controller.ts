/**
 * Mailboxes: opening and crediting (paid by voucher), logging in, policy, filters, record, log and
 * held mail. One call deep. Spec: docs/spec/34-provider-api.md.
 */
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type {
  Mailbox,
  StrangerBucket,
  WatchedBucket,
} from '@tanglemail/mail/core/market/mailbox.ts';
import type { SignedLogHead } from '@tanglemail/mail/core/market/mailbox-log.ts';
import { mailboxIdOf, mailboxMessage } from '@tanglemail/mail/core/market/signed-requests.ts';
import { MAX_PAGE } from '@tanglemail/mail/core/market/constants.ts';
import * as dto from '@tanglemail/mail/io/provider/dto.ts';
import { z } from 'zod';
import { headerOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import type { CreditRequest } from '../payments/credit-desk.ts';
import type { CreditAnswer } from '../payments/channel-rows.ts';
import type { HeldItem, ShownEntry } from '../mailboxes/mailbox-desk.ts';
import type { Provider } from '../provider.ts';
import { Refused, refuseWith } from '../refused.ts';
import { onceOf, read, readId } from './http.ts';
import { Answers } from './openapi.ts';
import { receiptHeader, requirePayment } from './payment-guard.ts';
import { PROVIDER } from './tokens.ts';

const LOG_QUERY = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
});
const HELD_QUERY = z.object({
  after: dto.hex(48).optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(200),
});

@ApiTags('mailboxes')
@Controller('v1')
export class MailboxController {
  readonly #provider: Provider;

  constructor(@Inject(PROVIDER) provider: Provider) {
    this.#provider = provider;
  }

  @Post('mailboxes')
  @Answers('Opens a mailbox with a first credit; asking again changes nothing', dto.CREDIT, {
    status: 201,
    body: dto.CREATE_MAILBOX,
  })
  async create(
    @Req() request: HttpRequest,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<CreditAnswer> {
    const { publicKey, signature, policy, amount } = read(dto.CREATE_MAILBOX, body);
    const key = hexToBytes(publicKey);
    const mailboxId = mailboxIdOf(key);
    const { terms, credits, verifier } = this.#provider;
    const known = credits.mailbox(mailboxId);
    if (known) {
      response.status(200);
      return { mailboxId, balance: `${known.balance}`, credited: '0' };
    }
    const message = mailboxMessage(terms, mailboxId);
    if (!verifier.verify(key, message, hexToBytes(signature))) {
      refuseWith('mailbox-signature');
    }
    const wanted = BigInt(amount);
    const charge = wanted > terms.minCredit ? wanted : terms.minCredit;
    const create = { publicKey: key, policy: policyOf(policy) };
    return this.#credit(request, response, { mailboxId, amount: charge, create });
  }

  @Post('mailboxes/:id/credit')
  @HttpCode(200)
  @Answers('Credits a mailbox; anybody may', dto.CREDIT, { body: dto.CREDIT_REQUEST })
  credit(
    @Param('id') id: string,
    @Req() request: HttpRequest,
    @Body() body: unknown,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<CreditAnswer> {
    const amount = BigInt(read(dto.CREDIT_REQUEST, body).amount);
    if (amount === 0n) refuseWith('request-malformed', {}, 'amount');
    const mailboxId = readId(id, 32);
    if (!this.#provider.credits.mailbox(mailboxId)) refuseWith('mailbox-unknown');
    return this.#credit(request, response, { mailboxId, amount });
  }

  async #credit(
    request: HttpRequest,
    response: HttpResponse,
    wanted: Pick<CreditRequest, 'mailboxId' | 'amount' | 'create'>,
  ): Promise<CreditAnswer> {
    const { credits, clock, metrics, ledgerClock } = this.#provider;
    const once = onceOf(request, `credit ${wanted.mailboxId}`);
    const known = credits.repeated(once);
    if (known) return known;
    ledgerClock.requireSynced();
    const { voucher, action } = requirePayment(request, this.#provider, wanted.amount);
    try {
      const answer = await credits.credit({ ...wanted, voucher, action, once });
      metrics.table.vouchers.inc({ result: 'accepted' });
      metrics.table.credited.inc(Number(answer.credited));
      response.set('Payment-Receipt', receiptHeader(voucher, clock.nowMs()));
      return answer;
    } catch (error) {
      if (error instanceof Refused) metrics.table.vouchers.inc({ result: 'refused' });
      throw error;
    }
  }

  @Post('sessions')
  @HttpCode(200)
  @Answers('Logs in: first asks for a nonce, then answers it with a signature', dto.SESSION, {
    body: dto.SESSION_REQUEST,
  })
  session(@Body() body: unknown): object {
    const { mailboxId, nonce, signature } = read(dto.SESSION_REQUEST, body);
    const { sessions } = this.#provider;
    if (nonce === undefined || signature === undefined) {
      return { nonce: bytesToHex(sessions.nonce(mailboxId)) };
    }
    return sessions.login(mailboxId, hexToBytes(nonce), hexToBytes(signature));
  }

  @Patch('mailboxes/:id/policy')
  @Answers('Sets the limits of the owner', dto.POLICY, { body: dto.POLICY })
  async policy(
    @Param('id') id: string,
    @Req() request: HttpRequest,
    @Body() body: unknown,
  ): Promise<dto.PolicyDto> {
    const mailboxId = this.#own(request, id);
    const policy = policyOf(read(dto.POLICY, body));
    const set = await this.#provider.mailboxes.setPolicy(mailboxId, policy);
    return policyDto(set);
  }

  @Patch('mailboxes/:id/filters')
  @Answers('Adds and removes tags and stranger buckets', dto.FILTERS, { body: dto.FILTER_PATCH })
  async filters(
    @Param('id') id: string,
    @Req() request: HttpRequest,
    @Body() body: unknown,
  ): Promise<dto.FiltersDto> {
    const mailboxId = this.#own(request, id);
    const patch = read(dto.FILTER_PATCH, body);
    const mailbox = await this.#provider.mailboxes.patchFilters(mailboxId, {
      addTags: patch.addTags,
      removeTags: patch.removeTags,
      addBuckets: patch.addBuckets.map((one) => ({
        ...bucketOf(one),
        stampBits: one.stampBits,
      })),
      removeBuckets: patch.removeBuckets.map(bucketOf),
    });
    return { tagCount: mailbox.tagCount, buckets: mailbox.buckets.map(bucketDto) };
  }

  @Get('mailboxes/:id')
  @Answers('Record and signed log head; costs one request', dto.MAILBOX)
  async info(@Param('id') id: string, @Req() request: HttpRequest): Promise<dto.MailboxDto> {
    const { mailbox, head } = await this.#provider.mailboxes.info(this.#own(request, id));
    return mailboxDto(mailbox, head);
  }

  @Get('mailboxes/:id/log')
  @Answers('Log entries from a position on; costs one request', dto.LOG)
  async log(
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<dto.LogDto> {
    const { after, limit } = read(LOG_QUERY, query);
    const { mailboxes } = this.#provider;
    const { entries, head, logId } = await mailboxes.log(this.#own(request, id), after, limit);
    const answer = { entries: entries.map(entryDto), head: headDto(head) };
    return logId === undefined ? answer : { ...answer, logId: bytesToHex(logId) };
  }

  @Get('mailboxes/:id/held')
  @Answers('Mail of strangers that waits in the buckets; costs one request', dto.HELD)
  async held(
    @Param('id') id: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<dto.HeldDto> {
    const { after, limit } = read(HELD_QUERY, query);
    const page = await this.#provider.mailboxes.held(this.#own(request, id), after, limit);
    const items = page.items.map(heldDto);
    return page.cursor === undefined ? { items } : { items, cursor: page.cursor };
  }

  /** The mailbox of the session, which must be the one in the path. */
  #own(request: HttpRequest, id: string): string {
    const mailboxId = this.#provider.sessions.mailboxOf(headerOf(request, 'authorization'));
    if (readId(id, 32) !== mailboxId) refuseWith('policy-forbids', {}, 'another mailbox');
    return mailboxId;
  }
}

function policyOf(policy: dto.PolicyDto) {
  return { ...policy, maxDebitPerDay: BigInt(policy.maxDebitPerDay) };
}

function policyDto(policy: ReturnType<typeof policyOf>): dto.PolicyDto {
  return { ...policy, maxDebitPerDay: `${policy.maxDebitPerDay}` };
}

function bucketOf({ bits, prefix }: dto.BucketDto): StrangerBucket {
  return { bits, prefix: hexToBytes(prefix) };
}

function bucketDto({ bits, prefix, stampBits }: WatchedBucket): dto.WatchedBucketDto {
  return { bits, prefix: bytesToHex(prefix), stampBits };
}

function entryDto({ root, ...entry }: ShownEntry): dto.LogEntryDto {
  return { ...entry, root: bytesToHex(root) };
}

function heldDto({ head, stampBase, ...item }: HeldItem): dto.HeldItemDto {
  return { ...item, head: bytesToHex(head), stampBase: bytesToHex(stampBase) };
}

function headDto(head: SignedLogHead): dto.HeadDto {
  const { headHash, signature, ...rest } = head;
  return { ...rest, headHash: bytesToHex(headHash), signature: bytesToHex(signature) };
}

function mailboxDto(mailbox: Mailbox, head: SignedLogHead): dto.MailboxDto {
  const { mailboxId, balance, policy, tagCount, objectCount } = mailbox;
  return {
    mailboxId,
    balance: `${balance}`,
    policy: policyDto(policy),
    tagCount,
    buckets: mailbox.buckets.map(bucketDto),
    objectCount,
    head: headDto(head),
  };
}
