/** Linking a device: the code for it, the number that both show, the account on its way. */
import { useEffect, useState } from 'react';
import type { LinkDto } from '../../../src/api/devices-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Facts, Fault } from '../ui/form.tsx';
import { QrCode } from '../ui/qr-code.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { useAction } from '../ui/use-action.ts';
import { problemText } from '../words/problem-text.ts';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';

/** Between two looks at how far it is; no event tells of it. */
const LOOK_MS = 1_500;

const ENDED: ReadonlySet<LinkDto['state']> = new Set(['done', 'expired', 'refused'] as const);

/** Closing it ends a linking that is not done. */
export function LinkSheet({ onClose }: { readonly onClose: () => void }) {
  const words = useWords();
  const { settings } = words;
  const { api } = useData();
  const [link, setLink] = useState<LinkDto | undefined>(undefined);
  const [failure, setFailure] = useState<unknown>(undefined);
  useEffect(() => {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (first: boolean): Promise<void> => {
      try {
        const call = { method: 'POST' } as const;
        const seen = first
          ? await api.send<LinkDto>('devices/link', call)
          : await api.get<LinkDto>('devices/link');
        if (isOver) return;
        setLink(seen);
        if (!ENDED.has(seen.state)) timer = setTimeout(() => void look(false), LOOK_MS);
      } catch (error) {
        if (!isOver) setFailure(error);
      }
    };
    void look(true);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [api]);

  function close(): void {
    const isOpen = link !== undefined && !ENDED.has(link.state);
    // It ends by itself after ten minutes, should this fail.
    if (isOpen) api.send('devices/link', { method: 'DELETE' }).catch(() => {});
    onClose();
  }

  return (
    <Sheet title={settings.link} onClose={close}>
      <Fault text={failure === undefined ? undefined : problemText(words, failure)} />
      {link !== undefined && <LinkStep link={link} onOther={close} />}
    </Sheet>
  );
}

interface LinkStepProps {
  readonly link: LinkDto;
  readonly onOther: () => void;
}

function LinkStep({ link, onOther }: LinkStepProps) {
  const { settings } = useWords();
  const { state, sentCount = 0, blockCount = 0 } = link;
  if (state === 'waiting') return <WaitingStep link={link} />;
  if (state === 'compare') return <CompareStep link={link} onOther={onOther} />;
  const texts: Readonly<Record<Exclude<LinkDto['state'], 'waiting' | 'compare'>, string>> = {
    none: settings.linkWaiting,
    sending: fill(settings.linkSending, { sent: sentCount, all: blockCount }),
    done: settings.linkDone,
    expired: settings.linkExpired,
    refused: settings.linkRefused,
  };
  return <p role="status">{texts[state]}</p>;
}

function WaitingStep({ link }: Pick<LinkStepProps, 'link'>) {
  const { language, words } = useSpeech();
  const { settings } = words;
  const { code = '', expiresAtMs = 0 } = link;
  const command = `tanglemail device join ${code}`;
  return (
    <>
      <p>{settings.linkHint}</p>
      <Facts facts={[{ name: settings.linkCode, value: command, isMono: true, canCopy: true }]} />
      <QrCode text={code} label={settings.linkQr} />
      <p role="status">{settings.linkWaiting}</p>
      <p>{fill(settings.linkUntil, { time: fullTime(language, expiresAtMs) })}</p>
    </>
  );
}

function CompareStep({ link, onOther }: LinkStepProps) {
  const { settings } = useWords();
  const { api } = useData();
  const { run, fault, isRunning } = useAction();
  const { number = '', name = '' } = link;
  return (
    <>
      <p role="status">{fill(settings.linkCompare, { name })}</p>
      <p className="big-number figures">{number}</p>
      <p>{settings.linkCompareHint}</p>
      <Fault text={fault} />
      <div className="panel-actions">
        <Button
          kind="main"
          isDisabled={isRunning}
          onPress={() =>
            run(async () => {
              await api.send('devices/link/confirm', { method: 'POST', json: { number } });
            })
          }
        >
          {settings.linkSame}
        </Button>
        <Button kind="danger" onPress={onOther}>
          {settings.linkOther}
        </Button>
      </div>
    </>
  );
}
