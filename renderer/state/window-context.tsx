import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import type { CommandInput, CommandName, CommandOutput } from '../../src/contract/commands.ts';
import type { About, Place } from '../../src/contract/shell.ts';
import type { StatusSnapshot } from '../../src/contract/status.ts';
import { type Bridge, type Failure, failureOf } from '../bridge.ts';
import { placeFromHash, placeToHash } from './places.ts';
import { StatusStore } from './status-store.ts';

interface WindowContext {
  readonly bridge: Bridge;
  readonly status: StatusStore;
  readonly about: About | null;
  readonly place: Place;
  readonly go: (place: Place) => void;
  readonly failure: Failure | null;
  readonly setFailure: (failure: Failure | null) => void;
}

const Context = createContext<WindowContext | null>(null);

/** Everything that the views share: the bridge, the newest snapshot, where we are, the last failed action. */
export function WindowProvider({ bridge, children }: { bridge: Bridge; children: ReactNode }) {
  const status = useMemo(() => new StatusStore(bridge), [bridge]);
  const [about, setAbout] = useState<About | null>(null);
  const [place, setPlace] = useState<Place>(() => placeFromHash(window.location.hash));
  const [failure, setFailure] = useState<Failure | null>(null);

  useEffect(() => status.start(), [status]);
  useEffect(() => {
    bridge.shell.about?.({}).then(setAbout, (thrown: unknown) => setFailure(failureOf(thrown)));
  }, [bridge]);
  useEffect(() => {
    const follow = () => setPlace(placeFromHash(window.location.hash));
    window.addEventListener('hashchange', follow);
    const stop = bridge.shell.onNavigate?.((wanted) => {
      window.location.hash = placeToHash(wanted);
    });
    return () => {
      window.removeEventListener('hashchange', follow);
      stop?.();
    };
  }, [bridge]);

  const value = useMemo(
    () => ({
      bridge,
      status,
      about,
      place,
      go: (wanted: Place) => {
        window.location.hash = placeToHash(wanted);
        setPlace(wanted);
      },
      failure,
      setFailure,
    }),
    [bridge, status, about, place, failure],
  );
  return <Context value={value}>{children}</Context>;
}

export function useWindow(): WindowContext {
  const context = useContext(Context);
  if (context === null) {
    throw new Error('Outside of WindowProvider');
  }
  return context;
}

/** The newest snapshot; null until the first one came. */
export function useSnapshot(): StatusSnapshot | null {
  const { status } = useWindow();
  return useSyncExternalStore(status.subscribe, status.get);
}

export function useConnectionState(): 'connecting' | 'open' | 'refused' {
  const { bridge } = useWindow();
  return useSyncExternalStore(bridge.connection.subscribe, bridge.connection.state);
}

/** Runs commands and shell calls for a button: a failure is shown in the window and becomes `undefined`. */
export function useAct() {
  const { bridge, setFailure } = useWindow();
  return useMemo(() => {
    const attempt = async <T,>(promise: Promise<T> | undefined): Promise<T | undefined> => {
      try {
        const value = await promise;
        setFailure(null);
        return value;
      } catch (thrown) {
        setFailure(failureOf(thrown));
        return undefined;
      }
    };
    const run = <N extends CommandName>(
      name: N,
      input: CommandInput<N>,
    ): Promise<CommandOutput<N> | undefined> => attempt(bridge.run(name, input));
    return { run, attempt };
  }, [bridge, setFailure]);
}

/** The wall clock, again every `everyMs`, for "6 s ago" and "in 18 s". */
export function useNow(everyMs = 1_000): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}
