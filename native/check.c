/* Holds a compiled library against sums taken bit by bit, each way it has here: check LIBRARY. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { longest = 40000 };

typedef uint32_t (*sum_function)(const uint8_t *, size_t);

static int check(const char *what, sum_function sum_of) {
  uint8_t *bytes = malloc(longest + 8);
  uint32_t random = 1;
  for (int at = 0; at < longest + 8; at++) bytes[at] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
  for (int start = 0; start < 8; start++) {
    uint32_t sum = 0xffffffff;
    for (int length = 0; length <= longest; length++) {
      if (sum_of(bytes + start, length) != ~sum)
        return fprintf(stderr, "%s: wrong for %d bytes at %d\n", what, length, start), 1;
      sum ^= bytes[start + length];
      for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (0x82f63b78 & (0 - (sum & 1)));
    }
  }
  free(bytes);
  printf("%s: all lengths to %d at 8 starts are right\n", what, longest);
  return 0;
}

int main(int count, char **arguments) {
  void *library = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
  if (library == NULL) return fprintf(stderr, "cannot load it: %s\n", dlerror()), 1;
  int (*usable)(void) = (int (*)(void))dlsym(library, "odradek_crc32c_usable");
  const int ways = usable();
  if (ways == 0) return fprintf(stderr, "this processor has no such instruction\n"), 1;
  if (check(arguments[1], (sum_function)dlsym(library, "odradek_crc32c")) != 0) return 1;
  if (ways < 2) return printf("(wide registers are not to be had here)\n"), 0;
  return check("in wide registers", (sum_function)dlsym(library, "odradek_crc32c_wide"));
}
