/** Versions, network and node. */
import type { StatusDto } from '../../../src/api/dto.ts';
import { Facts, Panel } from '../ui/form.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';

export function AboutPage() {
  const { settings } = useWords();
  return (
    <Panel title={settings.about}>
      <Loaded<StatusDto> path="status">{(status) => <AboutFacts status={status} />}</Loaded>
    </Panel>
  );
}

function AboutFacts({ status }: { readonly status: StatusDto }) {
  const { language, words } = useSpeech();
  const { settings } = words;
  const { version, email, node, descriptor } = status;
  const { latestMilestone: latest } = node;
  const published = { sequence: descriptor.sequence, state: settings.states[descriptor.state] };
  return (
    <Facts
      facts={[
        { name: settings.version, value: version },
        { name: settings.network, value: node.networkName },
        { name: settings.node, value: node.url, isMono: true, canCopy: true },
        {
          name: settings.milestone,
          value:
            latest === null
              ? settings.unknown
              : `${latest.index}, ${fullTime(language, latest.timestampMs)}`,
        },
        { name: settings.mailAddress, value: email, isMono: true, canCopy: true },
        { name: settings.published, value: fill(settings.sequence, published) },
      ]}
    />
  );
}
