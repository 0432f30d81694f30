/// The limit programs that are a loop or two: a tape of scalar operations, copying, numbers and their texts.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

// MARK: - A chain of operations on single numbers, read from memory as a graph's are, forward and backward

enum { op_scale, op_shift, op_square, op_sine, op_count };
static unsigned char *codes;
static double *values;
static size_t length;

bool tape_prepare(size_t count) {
  length = count;
  codes = realloc(codes, count);
  values = realloc(values, (count + 1) * sizeof *values);
  if (codes == NULL || values == NULL) return false;
  for (size_t i = 0; i < count; i++) codes[i] = i % op_count;
  return true;
}

void tape_run(void) {
  values[0] = 0.3;
  for (size_t i = 0; i < length; i++) {
    double v = values[i];
    switch (codes[i]) {
      case op_scale: v *= 0.9; break;
      case op_shift: v += 0.2; break;
      case op_square: v *= v; break;
      default: v = sin(v);
    }
    values[i + 1] = v;
  }
  double ct = 1;
  for (size_t i = length; i-- > 0;) switch (codes[i]) {
      case op_scale: ct *= 0.9; break;
      case op_shift: break;
      case op_square: ct *= 2 * values[i]; break;
      default: ct *= cos(values[i]);
    }
  limits_sink = values[length] + ct;
}

// MARK: - Copying

static char *source, *target;
static size_t copied;

bool copy_prepare(size_t size) {
  source = realloc(source, size);
  target = realloc(target, size);
  if (source == NULL || target == NULL) return false;
  memset(source, 1, size);
  memset(target, 2, size);
  copied = size;
  return true;
}

void copy_run(void) {
  memcpy(target, source, copied);
  limits_sink = target[copied / 2];
}

// MARK: - Numbers and their texts, by the C library

static char *texts;
static double *numbers;
static size_t amount;

static bool prepare_numbers(size_t count) {
  amount = count;
  texts = realloc(texts, count * 32 + 1);
  numbers = realloc(numbers, count * sizeof *numbers);
  if (texts == NULL || numbers == NULL) return false;
  uint64_t seed = 7;
  char *to = texts;
  for (size_t i = 0; i < count; i++) {
    numbers[i] = limits_random(&seed);
    to += sprintf(to, "%.17g,", numbers[i]);
  }
  return true;
}

bool read_numbers_prepare(size_t count) { return prepare_numbers(count); }
bool write_numbers_prepare(size_t count) { return prepare_numbers(count); }

void read_numbers_run(void) {
  char *from = texts;
  for (size_t i = 0; i < amount; i++) {
    numbers[i] = strtod(from, &from);
    from++;
  }
  limits_sink = numbers[amount - 1];
}

/// 17 digits always read back, and C knows no shorter way to be sure.
void write_numbers_run(void) {
  char *to = texts;
  for (size_t i = 0; i < amount; i++) to += sprintf(to, "%.17g,", numbers[i]);
  limits_sink = to[-2];
}
