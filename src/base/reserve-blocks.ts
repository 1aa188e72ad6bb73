import { onceWithKoffi } from './koffi.ts'

/**
 * Linux's fallocate(2), which Node has no word for: takes blocks for a part of a file, be it behind its end,
 * and leaves its size as it is. Waits for no data. Answers whether it has them.
 */
export type ReserveBlocks = (file: number, position: number, length: number) => boolean

/** FALLOC_FL_KEEP_SIZE of <linux/falloc.h> */
const keepSize = 1

/** Null where C cannot be called. Loaded at the first call. */
export const loadReserveBlocks = onceWithKoffi<ReserveBlocks>((koffi) => {
  const fallocate = koffi
    .load(null)
    .func('int fallocate(int file, int mode, int64_t position, int64_t length)')
  const { EINTR } = koffi.os.errno
  return (file, position, length) => {
    for (;;) {
      if (fallocate(file, keepSize, position, length) === 0) return true
      if (koffi.errno() !== EINTR) return false
    }
  }
})
