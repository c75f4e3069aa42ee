/**
 * A mail as its sender wrote it, in a frame that can ask nobody for anything; the sandbox stands
 * in the policy of what it loads too, so that it holds for whoever else opens the path. Before:
 * letter-card.tsx; after: the daemon's body.controller.ts.
 */
import { ImageOff, Maximize2, Minimize2, Moon, Sun } from 'lucide-react';
import { useEffect, useState, useSyncExternalStore } from 'react';
import type { BodyPlaceDto } from '../../../src/api/web-dto.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useCount, useWords } from '../words/use-words.ts';

function watchTheme(watcher: () => void): () => void {
  const observer = new MutationObserver(watcher);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}

/** Whether the page is shown dark. */
function useIsDark(): boolean {
  return useSyncExternalStore(
    watchTheme,
    () => document.documentElement.dataset['theme'] === 'dark',
  );
}

interface Asked {
  readonly place?: BodyPlaceDto;
  readonly problem?: ApiProblem;
}

/** Asks for the frame's path anew whenever it is to look different: each is good once. */
function usePlace(id: string, isDark: boolean): Asked {
  const { api } = useData();
  const [asked, setAsked] = useState<Asked>({});
  useEffect(() => {
    const controller = new AbortController();
    const path = `messages/${encodeURIComponent(id)}/body`;
    const call = { method: 'POST', json: { isDark }, signal: controller.signal } as const;
    api.send<BodyPlaceDto>(path, call).then(
      (place) => setAsked({ place }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const problem = error instanceof ApiProblem ? error : new ApiProblem('internal', 0, '');
        setAsked({ problem });
      },
    );
    return () => controller.abort();
  }, [api, id, isDark]);
  return asked;
}

export function BodyFrame({ id }: { readonly id: string }) {
  const [turn, setTurn] = useState(0);
  return <OneFrame key={turn} id={id} retry={() => setTurn(turn + 1)} />;
}

function OneFrame({ id, retry }: { readonly id: string; readonly retry: () => void }) {
  const { reading } = useWords();
  const countOf = useCount();
  const isDarkPage = useIsDark();
  const [isOnWhite, setOnWhite] = useState(false);
  const [isLarge, setLarge] = useState(false);
  const { place, problem } = usePlace(id, isDarkPage && !isOnWhite);
  if (problem !== undefined) return <Failed problem={problem} retry={retry} />;
  if (place === undefined) return <Skeleton lines={3} />;
  return (
    <div className="body">
      {place.blockedImages > 0 && (
        <p className="note">
          <ImageOff aria-hidden size={16} />
          {countOf(reading.blocked, place.blockedImages)}
        </p>
      )}
      {place.isCut && <p className="note">{reading.cut}</p>}
      <iframe
        key={place.url}
        className={isLarge ? 'body-frame body-frame-large' : 'body-frame'}
        title={reading.frame}
        src={place.url}
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
      />
      <div className="body-bar">
        <Button icon={isLarge ? Minimize2 : Maximize2} onPress={() => setLarge(!isLarge)}>
          {isLarge ? reading.shrink : reading.expand}
        </Button>
        {isDarkPage && !place.hasColours && (
          <Button icon={isOnWhite ? Moon : Sun} onPress={() => setOnWhite(!isOnWhite)}>
            {isOnWhite ? reading.onDark : reading.onWhite}
          </Button>
        )}
      </div>
    </div>
  );
}
