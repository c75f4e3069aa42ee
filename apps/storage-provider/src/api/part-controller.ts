/**
 * Parts of parcels: the announcement, and one part after another. What is refused is refused before
 * the body is read. Fetching, keeping and giving up a part is that of any object.
 * Before: create-api.ts. After: parts/part-desk.ts. Spec: docs/spec/34-provider-api.md.
 */
import type { Readable } from 'node:stream';
import { Body, Controller, HttpCode, Inject, Param, Post, Put, Query, Req } from '@nestjs/common';
import { Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import * as dto from '@tanglemail/mail/io/provider/dto.ts';
import { headerOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { nativeSha256 } from '../native-sha256.ts';
import { parseContentDigest, readPartBody } from '../parts/part-body.ts';
import type { Provider } from '../provider.ts';
import { Refused, refuseWith } from '../refused.ts';
import { read, readId } from './http.ts';
import { Answers } from './openapi.ts';
import { PROVIDER } from './tokens.ts';

@ApiTags('parts')
@Controller('v1/parts')
export class PartController {
  readonly #provider: Provider;

  constructor(@Inject(PROVIDER) provider: Provider) {
    this.#provider = provider;
  }

  @Post()
  @HttpCode(200)
  @Answers(
    'Announces the parts that come ahead of one letter; says which are missing',
    dto.UPLOAD,
    {
      body: dto.UPLOAD_REQUEST,
    },
  )
  async announce(@Body() body: unknown): Promise<dto.UploadDto> {
    const { tag, parts } = read(dto.UPLOAD_REQUEST, body);
    this.#provider.ledgerClock.requireSynced();
    const { missing, closesAt } = await this.#provider.parts.announce(tag, parts);
    return { tag, missing: [...missing], closesAt };
  }

  @Put(':root')
  @HttpCode(200)
  @ApiConsumes('application/octet-stream')
  @ApiBody({ schema: { type: 'string', format: 'binary' } })
  @Answers('Takes an announced part and gives its receipt', dto.PART)
  async put(
    @Param('root') rootText: string,
    @Query('tag') tagText: unknown,
    @Req() request: HttpRequest & Readable,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<dto.PartDto> {
    const root = readId(rootText, 32);
    const tag = readId(typeof tagText === 'string' ? tagText : '', 16);
    const { parts, ledgerClock } = this.#provider;
    ledgerClock.requireSynced();
    const size = this.#sizeOf(request, response);
    if (!(await parts.expect(tag, { root, size }))) {
      await this.#take(request, response, { root, tag, size });
    }
    const receipt = await this.#provider.receipts.issue(root);
    return { root, until: receipt.until, receipt: bytesToHex(encodeReceipt(receipt)) };
  }

  /** Bytes of the body as announced by its header, within what this provider takes. */
  #sizeOf(request: HttpRequest, response: HttpResponse): number {
    const text = headerOf(request, 'content-length');
    if (text === undefined || !/^[1-9][0-9]{0,8}$/.test(text)) {
      response.set('Connection', 'close');
      return refuseWith('request-malformed', {}, 'Content-Length');
    }
    const size = Number(text);
    const { maxPart } = this.#provider.terms.offer;
    if (size <= maxPart) return size;
    // The rest of the body is not waited for.
    response.set('Connection', 'close');
    return refuseWith('body-too-large', {}, `parts of at most ${maxPart} bytes`);
  }

  async #take(
    request: HttpRequest & Readable,
    response: HttpResponse,
    part: { readonly root: string; readonly tag: string; readonly size: number },
  ): Promise<void> {
    const { root, tag, size } = part;
    const sha256 = parseContentDigest(headerOf(request, 'content-digest'));
    if (!sha256) return refuseWith('request-malformed', {}, 'Content-Digest');
    const { uploads, parts, config, metrics } = this.#provider;
    const leave = uploads.take(tag);
    if (!leave) return refuseWith('rate-limited');
    try {
      const timeoutMs = config.parts.uploadTimeoutMs;
      const bytes = await readPartBody(request, { size, sha256, timeoutMs });
      if (bytesToHex(segmentRoot(bytes, nativeSha256)) !== root) refuseWith('root-mismatch');
      await parts.store(tag, root, bytes);
      metrics.table.partBytes.inc(size);
    } catch (error) {
      const isLate = error instanceof Refused && error.refusal.code === 'upload-timeout';
      if (isLate) response.set('Connection', 'close');
      throw error;
    } finally {
      leave();
    }
  }
}
