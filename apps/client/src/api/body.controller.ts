/**
 * The HTML of a mail as a page of its own, for a frame: asked for by a page that is signed in,
 * loaded once by its browser. Before: access.ts; after: service.ts, html/.
 * Spec: docs/spec/41-client-api.md, "HTML of a mail".
 */
import { Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { ClientError } from '../client-error.ts';
import { BODY_HEADERS, bodyPage } from '../html/body-page.ts';
import { type SafeHtml, sanitise } from '../html/sanitise.ts';
import { Access, BODY_PREFIX, pageOf } from './access.ts';
import { Answers } from './openapi.ts';
import { parseBody, parseId } from './requests.ts';
import type { ClientService } from './service.ts';
import { ACCESS, SERVICE } from './tokens.ts';
import { bodyPlaceDto, type BodyPlaceDto, showBodyDto } from './web-dto.ts';

@ApiTags('pages')
@ApiBearerAuth()
@Controller()
export class BodyController {
  readonly #access: Access;
  readonly #service: ClientService;

  constructor(@Inject(ACCESS) access: Access, @Inject(SERVICE) service: ClientService) {
    this.#access = access;
    this.#service = service;
  }

  @Post('api/client/v1/messages/:id/body')
  @HttpCode(201)
  @Answers('Where a frame finds the HTML of a message, once', bodyPlaceDto, {
    status: 201,
    body: showBodyDto,
  })
  async place(@Param('id') id: string, @Req() request: HttpRequest): Promise<BodyPlaceDto> {
    const mailId = parseId(id);
    const { isDark } = parseBody(showBodyDto, request);
    const [cookie] = pageOf(request);
    // The token alone opens no frame: only a browser that is signed in can load what it gets.
    if (cookie === undefined) throw new ClientError('unauthorized', 'no cookie of a page');
    const { blockedImages, hasColours, isCut } = await this.#clean(mailId);
    const nonce = this.#access.bodies.issue({ mailId, isDark }, cookie);
    return { url: `${BODY_PREFIX}${mailId}/${nonce}`, blockedImages, hasColours, isCut };
  }

  @Get('_body/:id/:nonce')
  @ApiExcludeEndpoint()
  async body(
    @Param('id') id: string,
    @Param('nonce') nonce: string,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const ticket = this.#access.bodies.take(id, nonce, pageOf(request)[0]);
    if (ticket === undefined) throw new ClientError('unauthorized');
    const page = bodyPage(await this.#clean(ticket.mailId), ticket.isDark);
    for (const [name, value] of Object.entries(BODY_HEADERS)) response.set(name, value);
    response.status(200).send(Buffer.from(page));
  }

  async #clean(mailId: string): Promise<SafeHtml> {
    const { html, images } = await this.#service.htmlBody(mailId);
    return sanitise(html, images);
  }
}
