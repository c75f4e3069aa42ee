/**
 * Short news at the bottom of the page, announced once, each with at most one thing to do about it.
 */
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { Button } from './button.tsx';
import './toasts.css';

/** What is not done about it in this time goes. */
const SHOWN_MS = 10_000;

export interface Toast {
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
  readonly shownMs?: number;
}

type Show = (toast: Toast) => void;
const ToastContext = createContext<Show | undefined>(undefined);

/** Shows one toast at a time; a new one takes the place of the last. */
export function Toasts({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<{ readonly toast: Toast } | undefined>(undefined);
  const show = useCallback((toast: Toast) => {
    const one = { toast };
    setShown(one);
    setTimeout(() => {
      setShown((present) => (present === one ? undefined : present));
    }, toast.shownMs ?? SHOWN_MS);
  }, []);
  const action = shown?.toast.action;
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className="toast-place" role="status">
        {shown !== undefined && (
          <div className="toast">
            <span>{shown.toast.text}</span>
            {action !== undefined && (
              <Button
                onPress={() => {
                  setShown(undefined);
                  action.run();
                }}
              >
                {action.label}
              </Button>
            )}
          </div>
        )}
      </div>
    </ToastContext.Provider>
  );
}

export function useToast(): Show {
  const show = useContext(ToastContext);
  if (show === undefined) throw new Error('broken invariant: a screen stands inside Toasts');
  return show;
}
