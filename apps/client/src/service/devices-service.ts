/**
 * Devices for the local API. Before: api/devices.controller.ts; after: devices/.
 * Spec: docs/spec/41-client-api.md, section 25.
 */
import type { DeviceDto, LinkDto } from '../api/devices-dto.ts';
import type { DevicesService } from '../api/devices-service.ts';
import type { DeviceManager } from '../devices/device-manager.ts';
import type { LinkHost } from '../devices/link-host.ts';
import type { PayingDevice } from '../devices/paying-device.ts';
import { qrText } from '../qr-code.ts';

export class ClientDevices implements DevicesService {
  readonly #devices: DeviceManager;
  readonly #link: LinkHost;
  readonly #payer: PayingDevice;

  constructor(devices: DeviceManager, link: LinkHost, payer: PayingDevice) {
    this.#devices = devices;
    this.#link = link;
    this.#payer = payer;
  }

  async list(): Promise<readonly DeviceDto[]> {
    const payer = this.#payer.id();
    return this.#devices.list(payer);
  }

  async remove(id: string): Promise<readonly DeviceDto[]> {
    await this.#devices.remove(id);
    return await this.list();
  }

  async rotate(): Promise<void> {
    await this.#devices.rotate();
  }

  async pay(): Promise<void> {
    await this.#payer.takeOver();
  }

  async linkStatus(): Promise<LinkDto> {
    return withQr(this.#link.status());
  }

  async beginLink(): Promise<LinkDto> {
    return withQr(this.#link.begin());
  }

  async confirmLink(number: string): Promise<LinkDto> {
    return this.#link.confirm(number);
  }

  async cancelLink(): Promise<void> {
    this.#link.cancel();
  }
}

function withQr(link: LinkDto): LinkDto {
  if (link.code === undefined) return link;
  return { ...link, qr: qrText(link.code, 'low') };
}
