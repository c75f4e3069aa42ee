/**
 * Objects of a mailbox: fetching whole, in segments or with a proof; keeping longer; giving up.
 * Spec: docs/spec/34-provider-api.md.
 */
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import * as dto from '@tanglemail/mail/io/provider/dto.ts';
import { headerOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import type { SegmentRange } from '../mailboxes/object-desk.ts';
import type { Provider } from '../provider.ts';
import { refuseWith } from '../refused.ts';
import { onceOf, read, readId } from './http.ts';
import { Answers } from './openapi.ts';
import { PROVIDER } from './tokens.ts';

/** Time for handing an object out: whoever reads slower gives its place to another. */
const DOWNLOAD_MS = 60_000;

@ApiTags('objects')
@Controller('v1/objects')
export class ObjectController {
  readonly #provider: Provider;

  constructor(@Inject(PROVIDER) provider: Provider) {
    this.#provider = provider;
  }

  @Get(':root')
  @Answers('The bytes, or with ?proof=1 chosen segments with their proof', dto.PROOF, {
    bytes: true,
  })
  async fetch(
    @Param('root') rootText: string,
    @Query('proof') proof: string | undefined,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const { mailboxId, root } = this.#own(request, rootText);
    const range = rangeOf(headerOf(request, 'range'));
    const once = onceOf(request, mailboxId);
    const { objects } = this.#provider;
    response.set('Cache-Control', 'no-store');
    if (proof === '1') {
      const found = await objects.prove(mailboxId, root, range, once);
      const body: dto.ProofDto = {
        size: found.size,
        from: found.from,
        segments: found.segments.map(bytesToHex),
        siblings: found.siblings.map(bytesToHex),
      };
      response.type('application/json').send(JSON.stringify(body));
      return;
    }
    const leave = this.#provider.downloads.take(mailboxId) ?? refuseWith('rate-limited');
    const late = setTimeout(() => response.destroy(), DOWNLOAD_MS);
    response.on('close', () => {
      clearTimeout(late);
      leave();
    });
    const { bytes, size } = await objects.fetch(mailboxId, root, range, once);
    if (range) {
      const { from, to } = range;
      response
        .status(206)
        .set('Content-Range', `segments ${from}-${to}/${Math.ceil(size / 1_024)}`);
    }
    response.type('application/octet-stream').send(Buffer.from(bytes));
  }

  @Post(':root/retain')
  @HttpCode(200)
  @Answers('Buys more days; turns held mail into a stored object', dto.RETAIN, {
    body: dto.RETAIN_REQUEST,
  })
  async retain(
    @Param('root') rootText: string,
    @Body() body: unknown,
    @Req() request: HttpRequest,
  ): Promise<dto.RetainDto> {
    const { mailboxId, root } = this.#own(request, rootText);
    const { days } = read(dto.RETAIN_REQUEST, body);
    const once = onceOf(request, mailboxId);
    const retained = await this.#provider.objects.retain(mailboxId, root, days, once);
    const receipt = await this.#provider.receipts.issue(root);
    return { root, ...retained, receipt: bytesToHex(encodeReceipt(receipt)) };
  }

  @Post(':root/restore')
  @HttpCode(200)
  @Answers('Takes a copy that the owner brings from another provider', dto.RETAIN, {
    body: dto.RESTORE_REQUEST,
  })
  async restore(
    @Param('root') rootText: string,
    @Body() body: unknown,
    @Req() request: HttpRequest,
  ): Promise<dto.RetainDto> {
    const { mailboxId, root } = this.#own(request, rootText);
    const { days, bytes } = read(dto.RESTORE_REQUEST, body);
    const once = onceOf(request, mailboxId);
    const copy = { days, bytes: hexToBytes(bytes) };
    const restored = await this.#provider.objects.restore(mailboxId, root, copy, once);
    const receipt = await this.#provider.receipts.issue(root);
    return { root, ...restored, receipt: bytesToHex(encodeReceipt(receipt)) };
  }

  @Delete(':root')
  @Answers('Gives an object up against the owner’s signature', dto.RELEASE, {
    body: dto.RELEASE_REQUEST,
  })
  async release(
    @Param('root') rootText: string,
    @Body() body: unknown,
    @Req() request: HttpRequest,
  ): Promise<dto.ReleaseDto> {
    const { mailboxId, root } = this.#own(request, rootText);
    const signature = hexToBytes(read(dto.RELEASE_REQUEST, body).signature);
    const { refund, balance } = await this.#provider.objects.release(mailboxId, root, signature);
    return { root, refund: `${refund}`, balance: `${balance}` };
  }

  #own(request: HttpRequest, rootText: string): { mailboxId: string; root: string } {
    const mailboxId = this.#provider.sessions.mailboxOf(headerOf(request, 'authorization'));
    return { mailboxId, root: readId(rootText, 32) };
  }
}

/** `Range: segments=2-5`; undefined for the whole object. */
function rangeOf(text: string | undefined): SegmentRange | undefined {
  if (text === undefined) return undefined;
  const match = /^segments=(\d{1,7})-(\d{1,7})$/.exec(text);
  if (!match) return refuseWith('range-outside');
  return { from: Number(match[1]), to: Number(match[2]) };
}
