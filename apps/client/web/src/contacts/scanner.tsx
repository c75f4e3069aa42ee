/** Scans a QR code by camera or from a picture file. The camera is on only while this is shown. */
import { ImageUp, X } from 'lucide-react';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import { FileTrigger } from 'react-aria-components';
import { Button } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { type NoCamera, readPicture, watchCamera } from './camera.ts';

const PICTURES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];

export interface ScannerProps {
  readonly onText: (text: string) => void;
  readonly onStop: () => void;
}

export function Scanner({ onText, onStop }: ScannerProps) {
  const { scan } = useWords().contacts;
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<'starting' | 'seeing' | NoCamera>('starting');
  const [isUnreadable, setUnreadable] = useState(false);
  const tell = useEffectEvent(onText);
  useEffect(() => {
    if (video.current === null) return undefined;
    return watchCamera(video.current, {
      onSeeing: () => setState('seeing'),
      onText: (text) => tell(text),
      onNone: setState,
    });
  }, []);

  async function readFile(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    const text = await readPicture(file);
    setUnreadable(text === undefined);
    if (text !== undefined) onText(text);
  }

  return (
    <div className="scanner">
      <video
        ref={video}
        className={state === 'seeing' ? 'scanner-view' : 'scanner-view scanner-dark'}
        aria-label={scan.view}
        muted
        playsInline
      />
      <p role="status">{isUnreadable ? scan.unreadable : scan[state]}</p>
      <div className="contacts-actions">
        <FileTrigger
          acceptedFileTypes={PICTURES}
          onSelect={(files) => void readFile(files?.[0] ?? undefined)}
        >
          <Button icon={ImageUp}>{scan.picture}</Button>
        </FileTrigger>
        <Button icon={X} onPress={onStop}>
          {scan.stop}
        </Button>
      </div>
    </div>
  );
}
