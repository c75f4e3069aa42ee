/**
 * Devices for the local API. Before: api/devices.controller.ts; after: devices/.
 * Spec: docs/spec/41-client-api.md, section 25.
 */
import { toString as renderQr } from 'qrcode';
import type { DeviceDto, LinkDto } from '../api/devices-dto.ts';
import type { DevicesService } from '../api/devices-service.ts';
import type { DeviceManager } from '../devices/device-manager.ts';
import type { LinkHost } from '../devices/link-host.ts';

export class ClientDevices implements DevicesService {
  readonly #devices: DeviceManager;
  readonly #link: LinkHost;

  constructor(devices: DeviceManager, link: LinkHost) {
    this.#devices = devices;
    this.#link = link;
  }

  async list(): Promise<readonly DeviceDto[]> {
    return this.#devices.list();
  }

  async remove(id: string): Promise<readonly DeviceDto[]> {
    return await this.#devices.remove(id);
  }

  async rotate(): Promise<void> {
    await this.#devices.rotate();
  }

  async linkStatus(): Promise<LinkDto> {
    return await withQr(this.#link.status());
  }

  async beginLink(): Promise<LinkDto> {
    return await withQr(this.#link.begin());
  }

  async confirmLink(number: string): Promise<LinkDto> {
    return this.#link.confirm(number);
  }

  async cancelLink(): Promise<void> {
    this.#link.cancel();
  }
}

async function withQr(link: LinkDto): Promise<LinkDto> {
  if (link.code === undefined) return link;
  return { ...link, qr: await renderQr(link.code, { type: 'utf8', errorCorrectionLevel: 'L' }) };
}
