/**
 * Signing a browser in and out: the token, shown once, for a cookie and a page key.
 * Spec: docs/spec/41-client-api.md, "Pages".
 */
import { Controller, Delete, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { stringifySetCookie } from 'cookie';
import { Access, cookieNameOf, pageOf } from './access.ts';
import { Answers } from './openapi.ts';
import { ACCESS } from './tokens.ts';
import { webSessionDto } from './web-dto.ts';

/** How long a browser keeps the cookie; the daemon's end is the session's end in any case. */
const COOKIE_SECONDS = 30 * 86_400;

@ApiTags('pages')
@ApiBearerAuth()
@Controller('api/client/v1/session')
export class WebController {
  readonly #access: Access;

  constructor(@Inject(ACCESS) access: Access) {
    this.#access = access;
  }

  @Post()
  @Answers('Sign a browser in: sets its cookie', webSessionDto, { status: 201 })
  signIn(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
    const { cookie, pageKey } = this.#access.sessions.open();
    setCookie(request, response, cookie, COOKIE_SECONDS);
    response.status(201).type('application/json').send(JSON.stringify({ pageKey }));
  }

  @Delete()
  @HttpCode(204)
  @Answers('Sign this browser out', undefined, { status: 204 })
  signOut(@Req() request: HttpRequest, @Res({ passthrough: true }) response: HttpResponse): void {
    this.#access.sessions.close(...pageOf(request));
    setCookie(request, response, '', 0);
  }
}

/** No script reads it, and no other site's page has it sent. */
function setCookie(
  request: HttpRequest,
  response: HttpResponse,
  value: string,
  maxAge: number,
): void {
  const name = cookieNameOf(request);
  const cookie = { name, value, httpOnly: true, sameSite: 'strict', path: '/', maxAge } as const;
  response.set('Set-Cookie', stringifySetCookie(cookie));
}
