#include <cstdio>

int main() {
  std::puts("pontoon 0.1.0");
  return 0;
}
