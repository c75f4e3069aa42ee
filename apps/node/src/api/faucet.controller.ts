/**
 * `POST /api/faucet/v1/requests` and `GET /health` of the faucet's process.
 * Spec: docs/spec/11-node-api.md, "Faucet".
 */
import { Body, Controller, Get, HttpCode, Inject, Post, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { healthDto, type HealthDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { z } from 'zod';
import { FaucetError } from '../faucet/dispenser.ts';
import type { Faucet } from '../faucet/faucet.ts';
import type { HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { Answers } from './openapi.ts';
import { ApiProblem } from './problem.ts';
import { FAUCET } from './tokens.ts';

const requestDto = z.strictObject({
  /** `twt1…` or 64 hex digits. */
  address: z.string(),
  amount: z
    .string()
    .regex(/^[1-9][0-9]{0,18}$/)
    .optional(),
});

/** What the faucet answers; the address in hex, whichever form was asked with. */
const grantDto = z.object({ address: z.string(), amount: z.string(), blockId: z.string() });

@ApiTags('faucet')
@Controller()
export class FaucetController {
  readonly #faucet: Faucet;

  constructor(@Inject(FAUCET) faucet: Faucet) {
    this.#faucet = faucet;
  }

  @Get('health')
  @Answers('Whether the faucet can pay: 200 or 503', healthDto)
  async health(@Res({ passthrough: true }) response: HttpResponse): Promise<HealthDto> {
    const health = await this.#faucet.health();
    response.status(health.healthy ? 200 : 503);
    return health;
  }

  @Post('api/faucet/v1/requests')
  @HttpCode(202)
  @Answers('Ask for tokens; answers when the payment is in a block', grantDto, { status: 202 })
  async request(@Body() body: unknown): Promise<z.infer<typeof grantDto>> {
    const parsed = requestDto.safeParse(body);
    if (!parsed.success) {
      const form = '{"address": text or 64 hex digits, "amount"?: base units as a string}';
      throw ApiProblem.of('request-malformed', `expected ${form}`);
    }
    const address = readAddress(parsed.data.address, this.#faucet.network);
    if (!address.ok) {
      throw ApiProblem.refused(address.code, address.detail, 'The address cannot be read');
    }
    const { amount } = parsed.data;
    try {
      const asked = amount === undefined ? undefined : BigInt(amount);
      const grant = await this.#faucet.request(address.value, asked);
      return { address: grant.address, amount: `${grant.amount}`, blockId: grant.blockId };
    } catch (error) {
      if (error instanceof FaucetError) throw ApiProblem.of(error.code, error.message);
      throw error;
    }
  }
}
