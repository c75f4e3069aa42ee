/**
 * Channels: the highest voucher held, and closing. Spec: docs/spec/34-provider-api.md.
 */
import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import * as dto from '@tanglemail/mail/io/provider/dto.ts';
import type { Provider } from '../provider.ts';
import { read, readId } from './http.ts';
import { Answers } from './openapi.ts';
import { PROVIDER } from './tokens.ts';

@ApiTags('channels')
@Controller('v1/channels')
export class ChannelController {
  readonly #provider: Provider;

  constructor(@Inject(PROVIDER) provider: Provider) {
    this.#provider = provider;
  }

  @Post(':id/snapshot')
  @HttpCode(200)
  @Answers('State and highest voucher of a channel, for its payer', dto.SNAPSHOT, {
    body: dto.SNAPSHOT_REQUEST,
  })
  snapshot(@Param('id') id: string, @Body() body: unknown): dto.SnapshotDto {
    const channelId = readId(id, 34) as OutputId;
    const { time, signature } = read(dto.SNAPSHOT_REQUEST, body);
    const { channels } = this.#provider;
    const channel = channels.snapshot(channelId, time, hexToBytes(signature));
    return {
      channelId,
      state: channel.state,
      accepted: `${channel.accepted}`,
      signature: bytesToHex(channel.signature),
    };
  }

  @Post(':id/close')
  @HttpCode(202)
  @Answers('Asks for a claim now, so that the rest of the deposit returns early', dto.CLOSE, {
    status: 202,
    body: dto.CLOSE_REQUEST,
  })
  async close(@Param('id') id: string, @Body() body: unknown): Promise<dto.CloseDto> {
    const channelId = readId(id, 34) as OutputId;
    const signature = hexToBytes(read(dto.CLOSE_REQUEST, body).signature);
    const { channel, claimId } = await this.#provider.channels.close(channelId, signature);
    const { state } = channel;
    return claimId === undefined
      ? { channelId, state }
      : { channelId, state, claimTransactionId: claimId };
  }
}
