/**
 * The calls of the local API for devices. Before: device-commands.ts; after: daemon-link.ts.
 * Spec: docs/spec/41-client-api.md, section 25.
 */
import type { DeviceDto, LinkDto } from '../api/devices-dto.ts';
import type { DaemonLink } from './daemon-link.ts';

export class DevicesClient {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  async list(): Promise<DeviceDto[]> {
    return await this.#link.json('devices');
  }

  async remove(id: string): Promise<DeviceDto[]> {
    const path = `devices/${encodeURIComponent(id)}/remove`;
    return await this.#link.json(path, { method: 'POST' });
  }

  async rotate(): Promise<void> {
    await this.#link.send('devices/rotate', { method: 'POST' });
  }

  async pay(): Promise<void> {
    await this.#link.send('devices/pay', { method: 'POST' });
  }

  async link(): Promise<LinkDto> {
    return await this.#link.json('devices/link');
  }

  async beginLink(): Promise<LinkDto> {
    return await this.#link.json('devices/link', { method: 'POST' });
  }

  async confirmLink(number: string): Promise<LinkDto> {
    return await this.#link.json('devices/link/confirm', { method: 'POST', json: { number } });
  }

  async cancelLink(): Promise<void> {
    await this.#link.send('devices/link', { method: 'DELETE' });
  }
}
