/** An answer other than success: `status` and the text that goes into `errors`, without the request id. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

export const notLoggedIn = () => new ApiError(401, 'Not logged in');
export const forbidden = (what: string) => new ApiError(403, what);
/** Also for what is there but not readable: nobody learns which. */
export const notFound = () => new ApiError(404, 'Path not found');
export const badRequest = (what: string) => new ApiError(400, what);
export const unprocessable = (what: string) => new ApiError(422, what);
