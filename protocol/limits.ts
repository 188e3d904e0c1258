// The limits of every conversation (SECURITY-DESIGN 12), in one place. Each is checked before anything is
// allocated for what the other side announced. What bounds the bytes themselves (a block, a record, a
// head) stands with their format in store/.

export const FRAME_BYTES_MAX = (1 << 20) + 4096
export const CONTROL_FRAME_BYTES_MAX = 64 * 1024
/** What a stranger may send in all. */
export const STRANGER_BYTES_MAX = 4096
/** Records in one list. */
export const RECORDS_MAX = 10_000
/** Ids in one frame. */
export const IDS_PER_FRAME = 1000
/** Blocks asked for in one frame, and so in flight. */
export const WANTED_MAX = 64
export const AUDITED_MAX = 64
/** A conversation in which nothing arrives for this long is over. */
export const IDLE_MS = 60_000
/** A frame that has begun is whole after this long, and a second for each so many bytes; or it is cut. */
export const FRAME_GRACE_MS = 10_000
export const FRAME_BYTES_PER_SECOND = 4 << 10
/** A stranger has this long in all. */
export const STRANGER_MS = 10_000
