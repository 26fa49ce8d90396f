/**
 * The name under which segments hold zeros that nobody wrote: a file that was made longer. All such segments of a
 * collection share one block full of zeros, as in the Python SDK; unlike there it exists only once a file that needs it
 * is committed. No buffer block and no Keep block can have this name.
 */
export const ZERO_BLOCK = '0';
