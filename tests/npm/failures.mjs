// A failed call as the caller's program sees it.
import * as sdk from "@trigger.dev/sdk";

const CLASSES = [
  "BadRequestError",
  "AuthenticationError",
  "PermissionDeniedError",
  "NotFoundError",
  "ConflictError",
  "RateLimitError",
  "InternalServerError",
];

// One attempt: what fails here fails for good, and nobody should wait for the second time.
export const AT_ONCE = { retry: { maxAttempts: 1 } };

export function shown(error) {
  if (!(error instanceof sdk.ApiError)) {
    throw error;
  }
  return {
    classes: CLASSES.filter((name) => error instanceof sdk[name]),
    status: error.status,
    code: error.code,
    message: error.message,
    type: error.type,
    detail: error.body?.detail,
    requestId: error.headers?.["x-request-id"],
    millisecondsUntilReset: error.millisecondsUntilReset,
  };
}
