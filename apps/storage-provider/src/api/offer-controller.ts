/**
 * What anybody may ask: offer, status, health, receipts. Spec: docs/spec/34-provider-api.md.
 */
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import { hex, STATUS } from '@tanglemail/mail/io/provider/dto.ts';
import type { StatusDto } from '@tanglemail/mail/io/provider/dto.ts';
import { z } from 'zod';
import { wantsBytes } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import type { Provider } from '../provider.ts';
import { refuseWith } from '../refused.ts';
import { readId } from './http.ts';
import { Answers } from './openapi.ts';
import { PROVIDER } from './tokens.ts';

export const VERSION = '0.1.0';

const HEALTH = z.object({ healthy: z.boolean(), reasons: z.array(z.string()) });
const OFFER = z.object({ offer: z.string() });
const RECEIPT = z.object({ receipt: hex(192) });

@ApiTags('provider')
@Controller()
export class OfferController {
  readonly #provider: Provider;

  constructor(@Inject(PROVIDER) provider: Provider) {
    this.#provider = provider;
  }

  @Get('health')
  @Answers('Whether the provider follows the ledger and can sell: 200 or 503', HEALTH)
  health(@Res({ passthrough: true }) response: HttpResponse): z.infer<typeof HEALTH> {
    const { healthy, reasons } = this.#provider.health();
    response.status(healthy ? 200 : 503);
    return { healthy, reasons: [...reasons] };
  }

  @Get('v1/offer')
  @Answers('The signed offer, the same bytes as in the tangle', OFFER, { bytes: true })
  offer(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
    const bytes = this.#provider.offers.bytes ?? refuseWith('ledger-unsynced');
    sendBytes(request, response, bytes, { offer: bytesToHex(bytes) });
  }

  @Get('v1/status')
  @Answers('Version, network and how far the ledger lags', STATUS)
  status(): StatusDto {
    const { terms, ledgerClock } = this.#provider;
    const { point } = ledgerClock;
    return {
      version: VERSION,
      networkId: `${terms.networkId}`,
      bondId: bytesToHex(terms.bondId),
      ledger: {
        index: point?.index ?? -1,
        timestampMs: point?.timestampMs ?? 0,
        lagSeconds: ledgerClock.lagSeconds(),
        synced: ledgerClock.isSynced,
      },
    };
  }

  @Get('v1/receipts/:root')
  @Answers('The receipt of a stored object, for whoever knows its root', RECEIPT, { bytes: true })
  async receipt(
    @Param('root') root: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const receipt = encodeReceipt(await this.#provider.receipts.issue(readId(root, 32)));
    this.#provider.metrics.table.receipts.inc();
    sendBytes(request, response, receipt, { receipt: bytesToHex(receipt) });
  }
}

/** Bytes for those who ask for bytes, JSON for the rest. */
function sendBytes(
  request: HttpRequest,
  response: HttpResponse,
  bytes: Uint8Array,
  json: object,
): void {
  if (wantsBytes(request)) response.type('application/octet-stream').send(Buffer.from(bytes));
  else response.type('application/json').send(JSON.stringify(json));
}
