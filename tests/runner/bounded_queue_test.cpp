#include "harness/runner/bounded_queue.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace crudbench {
namespace {

using std::chrono::milliseconds;

TEST(BoundedQueue, HandsValuesOverInOrder) {
  BoundedQueue<int> queue(2);
  std::vector<int> taken;
  {
    const std::jthread producer([&] {
      for (int i = 0; i < 100; ++i) {
        queue.push(i);
      }
      queue.close();
    });
    while (!queue.is_exhausted()) {
      if (const auto value = queue.pop(milliseconds(10))) {
        taken.push_back(*value);
      }
    }
  }
  ASSERT_EQ(taken.size(), 100U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(taken[static_cast<std::size_t>(i)], i);
  }
}

TEST(BoundedQueue, RefusesValuesOnceClosedAndHandsOutTheRest) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.push(1));
  queue.close();
  EXPECT_FALSE(queue.push(2));
  EXPECT_FALSE(queue.is_exhausted());
  EXPECT_EQ(queue.pop(milliseconds(0)), 1);
  EXPECT_TRUE(queue.is_exhausted());
}

TEST(BoundedQueue, HandsBatchesOverUpToTheCountThatIsAskedFor) {
  BoundedQueue<int> queue(8);
  for (int i = 0; i < 5; ++i) {
    queue.push(i);
  }
  EXPECT_EQ(queue.pop_batch(3, milliseconds(1000)), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(queue.pop_batch(3, milliseconds(1)), (std::vector<int>{3, 4}));
  EXPECT_TRUE(queue.pop_batch(3, milliseconds(1)).empty());
}

TEST(BoundedQueue, WakesTheTakerOfABatchWhenItIsThereAndWhenNoMoreWillCome) {
  BoundedQueue<int> queue(4);
  std::vector<std::size_t> sizes;
  {
    const std::jthread producer([&] {
      for (int i = 0; i < 10; ++i) {
        queue.push(i);
      }
      queue.close();
    });
    while (!queue.is_exhausted()) {
      sizes.push_back(queue.pop_batch(4, std::chrono::hours(1)).size());
    }
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
}

TEST(BoundedQueue, ReleasesAWaitingProducerWhenClosed) {
  BoundedQueue<int> queue(1);
  queue.push(1);
  bool accepted = true;
  {
    const std::jthread producer([&] { accepted = queue.push(2); });
    std::this_thread::yield();
    queue.close();
  }
  EXPECT_FALSE(accepted);
}

}  // namespace
}  // namespace crudbench
