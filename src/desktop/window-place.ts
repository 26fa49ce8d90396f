import * as z from 'zod';

export const WINDOW_MIN = { width: 960, height: 640 } as const;
const WINDOW_FIRST = { width: 1_200, height: 800 } as const;

const rectangleSchema = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
});
export type Rectangle = z.infer<typeof rectangleSchema>;

/** What the desktop remembers that is no setting. */
export const desktopStateSchema = z.object({
  bounds: rectangleSchema.nullable().default(null),
  maximized: z.boolean().default(false),
  /** The explanation of what closing the window does was shown. */
  explainedHiding: z.boolean().default(false),
  /** The start at login was set by us, so it is ours to take away. */
  startedAtLogin: z.boolean().default(false),
});
export type DesktopState = z.infer<typeof desktopStateSchema>;

/** So much of the title bar must be on a screen for a person to take hold of it (pixels). */
const GRIP = { width: 120, height: 30 } as const;

/**
 * Where the window opens: where it was, as long as a screen still shows its title bar; else in the middle of the first
 * one (no x and y). Never smaller than its minimum, never larger than the screen's work area, if that allows it.
 */
export function windowBounds(
  remembered: Rectangle | null,
  workAreas: readonly Rectangle[],
): { readonly width: number; readonly height: number; readonly x?: number; readonly y?: number } {
  const fits = (size: { width: number; height: number }, area: Rectangle | undefined) => ({
    width: Math.max(WINDOW_MIN.width, Math.min(size.width, area?.width ?? size.width)),
    height: Math.max(WINDOW_MIN.height, Math.min(size.height, area?.height ?? size.height)),
  });
  if (remembered === null) {
    return fits(WINDOW_FIRST, workAreas[0]);
  }
  const area = workAreas.find((one) => showsGrip(remembered, one));
  return area === undefined
    ? fits(remembered, workAreas[0])
    : { ...fits(remembered, area), x: remembered.x, y: Math.max(remembered.y, area.y) };
}

function showsGrip(bounds: Rectangle, area: Rectangle): boolean {
  const width = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  const top = bounds.y >= area.y - GRIP.height && bounds.y + GRIP.height <= area.y + area.height;
  return width >= GRIP.width && top;
}
