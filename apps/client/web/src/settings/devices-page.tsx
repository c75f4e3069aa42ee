/** The devices of the account: which there are, which pays, one more, one less. */
import { CreditCard, MonitorSmartphone, Plus, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { DeviceDto } from '../../../src/api/devices-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Fault, Panel } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { useAction } from '../ui/use-action.ts';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { LinkSheet } from './link-sheet.tsx';

export function DevicesPage() {
  const { settings } = useWords();
  const { resources } = useData();
  const [isLinking, setLinking] = useState(false);
  const [removing, setRemoving] = useState<DeviceDto | undefined>(undefined);
  return (
    <Panel title={settings.devices}>
      <p>{settings.devicesHint}</p>
      <Loaded<readonly DeviceDto[]> path="devices">
        {(devices) => <Devices devices={devices} onRemove={setRemoving} />}
      </Loaded>
      <div>
        <Button icon={Plus} onPress={() => setLinking(true)}>
          {settings.link}
        </Button>
      </div>
      {isLinking && (
        <LinkSheet
          onClose={() => {
            setLinking(false);
            resources.invalidate('devices');
          }}
        />
      )}
      {removing !== undefined && (
        <RemoveSheet device={removing} onClose={() => setRemoving(undefined)} />
      )}
    </Panel>
  );
}

interface DevicesProps {
  readonly devices: readonly DeviceDto[];
  readonly onRemove: (device: DeviceDto) => void;
}

function Devices({ devices, onRemove }: DevicesProps) {
  const { settings } = useWords();
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  const isPaying = devices.some((one) => one.isOwn && one.isPaying);
  return (
    <>
      <ul className="things">
        {devices.map((device) => (
          <li key={device.id} className="thing">
            <span className="thing-text">
              <span>{device.name}</span>
              <small className="mono">{device.id.slice(0, 8)}</small>
            </span>
            {device.isOwn && <Chip icon={MonitorSmartphone}>{settings.thisDevice}</Chip>}
            {device.isPaying && (
              <Chip icon={CreditCard} tone="info">
                {settings.paying}
              </Chip>
            )}
            {device.isForked && (
              <Chip icon={TriangleAlert} tone="err">
                {settings.forked}
              </Chip>
            )}
            {device.isRemoved && <small>{settings.removed}</small>}
            {!device.isOwn && !device.isRemoved && (
              <Button kind="danger" onPress={() => onRemove(device)}>
                {fill(settings.remove, { name: device.name })}
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Fault text={fault} />
      {!isPaying && (
        <div>
          <Button
            isDisabled={isRunning}
            onPress={() =>
              run(async () => {
                await api.send('devices/pay', { method: 'POST' });
                resources.invalidate('devices');
              }, settings.payDone)
            }
          >
            {settings.pay}
          </Button>
        </div>
      )}
    </>
  );
}

interface RemoveSheetProps {
  readonly device: DeviceDto;
  readonly onClose: () => void;
}

function RemoveSheet({ device, onClose }: RemoveSheetProps) {
  const { forms, settings } = useWords();
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  return (
    <Sheet title={fill(settings.removeTitle, { name: device.name })} onClose={onClose}>
      <p className="form-warning">{settings.removeHint}</p>
      <Fault text={fault} />
      <div className="panel-actions">
        <Button
          kind="danger"
          isDisabled={isRunning}
          onPress={() =>
            run(async () => {
              await api.send(`devices/${device.id}/remove`, { method: 'POST' });
              resources.invalidate('devices', 'invites');
              onClose();
            }, settings.removedNow)
          }
        >
          {settings.removeNow}
        </Button>
        <Button onPress={onClose}>{forms.cancel}</Button>
      </div>
    </Sheet>
  );
}
