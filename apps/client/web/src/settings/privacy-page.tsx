/** What strangers may do, what receipts say, and what finding mail shows to whom. */
import { CircleCheck, CircleSlash } from 'lucide-react';
import type { ConfigurationDto } from '../../../src/api/configuration-dto.ts';
import type { FilterStatusDto } from '../../../src/api/filter-dto.ts';
import type { ChangeSettingsDto, SettingsDto } from '../../../src/api/people-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Chip } from '../ui/chip.tsx';
import { Choice, Facts, Fault, Panel, Switch } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { useAction } from '../ui/use-action.ts';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { stampOptions } from './stamp-choices.ts';

const WAYS = ['tags', 'buckets', 'filters'] as const;

export function PrivacyPage() {
  const { settings } = useWords();
  return (
    <>
      <Panel title={settings.strangers}>
        <Loaded<SettingsDto> path="settings">
          {(present) => <StrangersForm present={present} />}
        </Loaded>
      </Panel>
      <Panel title={settings.receipts}>
        <Loaded<ConfigurationDto> path="configuration">
          {({ receipts }) => <Receipts receipts={receipts} />}
        </Loaded>
      </Panel>
      <Panel title={settings.finding}>
        <Loaded<ConfigurationDto> path="configuration">
          {(configuration) => <Finding configuration={configuration} />}
        </Loaded>
      </Panel>
    </>
  );
}

function StrangersForm({ present }: { readonly present: SettingsDto }) {
  const { forms, settings } = useWords();
  const { api, resources } = useData();
  const { run, fault, isRunning } = useAction();
  const { stampBits, contactsOnly } = present;

  function change(json: ChangeSettingsDto): void {
    run(async () => {
      const next = await api.send<SettingsDto>('settings', { method: 'PATCH', json });
      resources.put<SettingsDto>('settings', () => next);
    }, forms.saved);
  }

  return (
    <>
      <Choice
        label={settings.stamp}
        value={`${stampBits}`}
        options={stampOptions(
          stampBits,
          settings.stamps,
          fill(settings.stampOwn, { n: stampBits }),
        )}
        onChange={(bits) => change({ stampBits: Number(bits) })}
      />
      <p>{settings.stampHint}</p>
      <Switch
        isOn={contactsOnly}
        isDisabled={isRunning}
        onChange={(isOn) => change({ contactsOnly: isOn })}
      >
        {settings.contactsOnly}
      </Switch>
      <p>{settings.contactsOnlyHint}</p>
      <Fault text={fault} />
    </>
  );
}

function Receipts({ receipts }: Pick<ConfigurationDto, 'receipts'>) {
  const { settings } = useWords();
  const countOf = useCount();
  const onOff = (isOn: boolean): string => (isOn ? settings.on : settings.off);
  return (
    <>
      <p>{settings.receiptsHint}</p>
      <Facts
        facts={[
          { name: settings.receiptsAsk, value: onOff(receipts.ask) },
          { name: settings.receiptsDelivery, value: settings.deliveryTo[receipts.delivery] },
          { name: settings.receiptsRead, value: onOff(receipts.read) },
          {
            name: settings.receiptsDelay,
            value: countOf(settings.seconds, receipts.delaySeconds),
          },
        ]}
      />
    </>
  );
}

function Finding({ configuration }: { readonly configuration: ConfigurationDto }) {
  const { settings } = useWords();
  const { mail, pushFromProviders } = configuration;
  return (
    <>
      <p>{settings.findingHint}</p>
      {WAYS.map((way) => (
        <Way
          key={way}
          name={settings.ways[way]}
          hint={settings.wayHints[way]}
          isOn={mail.find.includes(way)}
        />
      ))}
      {mail.find.includes('filters') && <FilterState />}
      <Way name={settings.push} hint={settings.pushHint} isOn={pushFromProviders} />
    </>
  );
}

interface WayProps {
  readonly name: string;
  readonly hint: string;
  readonly isOn: boolean;
}

function Way({ name, hint, isOn }: WayProps) {
  const { settings } = useWords();
  return (
    <div className="thing">
      <div className="thing-text">
        <h3>{name}</h3>
        <p>{hint}</p>
      </div>
      <Chip icon={isOn ? CircleCheck : CircleSlash} tone={isOn ? 'ok' : 'plain'}>
        {isOn ? settings.on : settings.off}
      </Chip>
    </div>
  );
}

function FilterState() {
  const { settings } = useWords();
  const { value } = useResource<FilterStatusDto>('filters');
  if (value?.isEnabled !== true) return undefined;
  const { next, mails, falseHits } = value;
  return <p>{fill(settings.filterState, { next: next ?? 0, mails, falseHits })}</p>;
}
