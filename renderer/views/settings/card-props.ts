import type { Settings } from '../../../src/contract/settings.ts';
import type { StatusSnapshot } from '../../../src/contract/status.ts';

/** What each card of the settings is given. */
export interface CardProps {
  readonly settings: Settings;
  readonly snapshot: StatusSnapshot;
  /** Takes effect at once; where it is refused, the controls go back. */
  readonly onChange: (change: Partial<Settings>) => void;
}
