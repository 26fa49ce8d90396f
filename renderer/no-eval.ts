import * as z from 'zod';

/** zod would try `new Function` to speed up its parsers; the window's content security policy forbids it, loudly. */
z.config({ jitless: true });
