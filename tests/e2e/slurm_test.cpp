#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/core/files.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// Asks until the answer is yes, at most a minute.
bool becomes_true(const std::function<bool()>& condition) {
  constexpr int kTries = 1200;
  constexpr useconds_t kPauseMicroseconds = 50'000;
  for (int i = 0; i < kTries; ++i) {
    if (condition()) {
      return true;
    }
    ::usleep(kPauseMicroseconds);
  }
  return false;
}

/// A port of the loopback that nothing listens on.
int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// The parent of a process; 0 if there is no such process.
pid_t parent_of(pid_t pid) {
  try {
    const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    // "PID (NAME) STATE PARENT …": the name may hold anything, parentheses too.
    return std::atoi(stat.c_str() + stat.rfind(')') + 4);
  } catch (const Error&) {
    return 0;
  }
}

/// A Slurm cluster of two nodes on this machine, with keys, ports and folders of its own.
class Cluster {
 public:
  static bool is_installed() {
    return std::filesystem::exists("/usr/sbin/slurmctld") &&
           std::filesystem::exists("/usr/sbin/slurmd") &&
           std::filesystem::exists("/usr/sbin/munged");
  }

  Cluster() {
    folder_.write("munge.key", std::string(1024, 'k'));
    std::filesystem::permissions(path("munge.key"), std::filesystem::perms::owner_read);
    std::filesystem::create_directories(path("state"));
    std::filesystem::create_directories(path("munge"));
    std::filesystem::permissions(path("munge"), std::filesystem::perms(0755));
    folder_.write("slurm.conf", configuration());
    start("munged", {"--foreground", "--force", "--key-file=" + path("munge.key"),
                     "--socket=" + path("munge/socket"), "--pid-file=" + path("munge/pid"),
                     "--log-file=" + path("munge/log"), "--seed-file=" + path("munge/seed")});
    becomes_true([this] { return std::filesystem::exists(path("munge/socket")); });
    start("slurmctld", {"-D", "-f", path("slurm.conf")});
    for (const char* node : {"n1", "n2"}) {
      start("slurmd", {"-D", "-N", node, "-f", path("slurm.conf")});
    }
  }

  /// Ends jobs first, then the daemons, last started first.
  ~Cluster() {
    run("scancel", {"--quiet", "--partition=all"});
    becomes_true([this] { return run("squeue", {"--noheader"}).output.empty(); });
    while (!daemons_.empty()) {
      daemons_.back()->signal(SIGTERM);
      becomes_true([this] { return daemons_.back()->has_ended(); });
      daemons_.pop_back();
    }
  }
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  bool is_up() {
    return becomes_true([this] {
      return run("sinfo", {"--noheader", "--format=%D%t"}).output == "2idle\n";
    });
  }

  ProcessResult run(const std::string& name, const std::vector<std::string>& arguments) {
    return run_process("/usr/bin/" + name, arguments, environment());
  }
  std::vector<std::string> environment() const { return {"SLURM_CONF=" + path("slurm.conf")}; }

  /// The node is gone: its daemon and the job with this process, the job's keeper first, so that
  /// nobody reports the job's end.
  void kill_first_node(pid_t job_process) {
    daemons_[2]->signal(SIGKILL);
    const pid_t script = parent_of(job_process);
    const pid_t keeper = parent_of(script);
    for (const pid_t pid : {keeper, script, job_process}) {
      if (pid > 1) {
        ::kill(pid, SIGKILL);
      }
    }
    run("scontrol", {"update", "nodename=n1", "state=down", "reason=test"});
  }

  void revive_first_node() {
    daemons_[2]->wait();
    daemons_[2] = std::make_unique<Process>(
        "/usr/sbin/slurmd", std::vector<std::string>{"-D", "-N", "n1", "-f", path("slurm.conf")});
  }

 private:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  void start(const std::string& name, const std::vector<std::string>& arguments) {
    daemons_.push_back(std::make_unique<Process>("/usr/sbin/" + name, arguments));
  }

  std::string configuration() const {
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    const std::string user = std::to_string(::geteuid());
    const auto node = [&](const std::string& name) {
      return "NodeName=" + name + " NodeHostname=" + host.data() +
             " NodeAddr=127.0.0.1 Port=" + std::to_string(free_port()) + " CPUs=1\n";
    };
    return "ClusterName=test\nSlurmctldHost=localhost(127.0.0.1)\nSlurmUser=" + user +
           "\nSlurmdUser=" + user + "\nAuthType=auth/munge\nCredType=cred/munge\n" +
           // A job that is queued again waits until its old credential has expired.
           "AuthInfo=socket=" + path("munge/socket") + ",cred_expire=5\n" +
           "SlurmctldPort=" + std::to_string(free_port()) +
           "\nSlurmctldPidFile=" + path("slurmctld.pid") +
           "\nSlurmdPidFile=" + path("slurmd-%n.pid") + "\nSlurmdSpoolDir=" + path("spool-%n") +
           "\nStateSaveLocation=" + path("state") + "\nSlurmctldLogFile=" + path("slurmctld.log") +
           "\nSlurmdLogFile=" + path("slurmd-%n.log") +
           "\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSelectType=select/linear\n"
           "SchedulerParameters=sched_interval=1,bf_interval=1\nSwitchType=switch/none\n"
           "MpiDefault=none\nReturnToService=2\nMailProg=/bin/true\n"
           "SlurmdParameters=config_overrides\n" +
           node("n1") + node("n2") + "PartitionName=all Nodes=n1,n2 Default=YES State=UP\n";
  }

  TemporaryFolder folder_;
  std::vector<std::unique_ptr<Process>> daemons_;  ///< munged, slurmctld, slurmd of n1, of n2.
};

/// A process of the sweep that runs a shard on node n1, from the lock of its workspace.
std::optional<pid_t> process_on_first_node(const std::filesystem::path& shards) {
  std::error_code none_yet;
  for (const auto& shard : std::filesystem::directory_iterator(shards, none_yet)) {
    try {
      if (!std::filesystem::exists(shard.path() / "crudbench.db")) {
        continue;
      }
      const Json holder = Json::parse(read_file(shard.path() / "lock"));
      const auto pid = holder.at("pid").get<pid_t>();
      const std::string environment = read_file("/proc/" + std::to_string(pid) + "/environ");
      const std::string mark = std::string("\0SLURMD_NODENAME=n1", 19) + '\0';
      if (environment.find(mark) != std::string::npos) {
        return pid;
      }
    } catch (const std::exception&) {
      continue;  // It has just ended, or not yet begun.
    }
  }
  return std::nullopt;
}

/// A sweep over a slow endpoint on a cluster of its own, and the same run as a whole.
class SlurmSweepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Cluster::is_installed()) {
      GTEST_SKIP() << "no Slurm found: install the packages slurm-wlm and munge";
    }
    server_.emplace(std::vector<std::string>{"--rate", "0", "--delay-ms", "100"});
    config_ = folder_.write("sweep.json", to_text({{"base", sample_config()},
                                                   {"experiment", "sweep"},
                                                   {"chunker", {{"type", "fixed"}, {"size", 128}}},
                                                   {"retriever", {{"type", "bm25"}, {"top_k", 3}}},
                                                   {"generator",
                                                    {{"type", "openai"},
                                                     {"base_url", server_->base_url()},
                                                     {"model", "m"},
                                                     {"max_concurrency", 1}}}}));
    ASSERT_EQ(crudbench({"run", config_, "--workspace", whole(), "--set",
                         "/generator/max_concurrency=64"})
                  .exit_status,
              0);
    cluster_.emplace();
    ASSERT_TRUE(cluster_->is_up());
    const ProcessResult submitted = submit();
    ASSERT_EQ(submitted.exit_status, 0) << submitted.errors;
    ASSERT_THAT(submitted.output, HasSubstr("4 of 4 shards submitted"));
    ASSERT_TRUE(becomes_true([this] {
      on_first_node_ = process_on_first_node(sweep() + "/shards");
      return on_first_node_.has_value();
    })) << cluster_->run("squeue", {}).output;
  }

  ProcessResult slurm(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "slurm");
    arguments.insert(arguments.end(), {"-o", sweep()});
    return run_process(program(), arguments, cluster_->environment());
  }
  ProcessResult submit() const {
    return slurm({"submit", config_, "--shards", "4", "--nodes", "2", "--partition", "all"});
  }

  /// Waits for the report and compares what was merged with the run as a whole.
  void expect_the_whole() {
    ASSERT_TRUE(becomes_true([this] {
      return std::filesystem::exists(sweep() + "/report/report.html");
    })) << cluster_->run("squeue", {}).output
        << slurm({"status"}).output;
    EXPECT_EQ(workspace_digest(sweep() + "/workspace"), workspace_digest(whole()));
    const Json status = Json::parse(slurm({"status", "--json"}).output);
    EXPECT_EQ(status.at("complete"), 4);
    EXPECT_EQ(status.at("merged"), true);
    EXPECT_THAT(submit().output, HasSubstr("0 of 4 shards submitted"));
  }

  std::string sweep() const { return folder_.path() / "sweep"; }
  std::string whole() const { return folder_.path() / "whole"; }

  TemporaryFolder folder_;
  std::optional<FaultServer> server_;
  std::string config_;
  std::optional<Cluster> cluster_;
  std::optional<pid_t> on_first_node_;  ///< Of a shard.
};

TEST_F(SlurmSweepTest, MergesIntoTheSameAlthoughANodeDied) {
  cluster_->kill_first_node(*on_first_node_);
  cluster_->revive_first_node();
  expect_the_whole();
}

TEST_F(SlurmSweepTest, MergesIntoTheSameAlthoughAShardWasPreempted) {
  const std::string environment =
      read_file("/proc/" + std::to_string(*on_first_node_) + "/environ");
  const auto variable = [&environment](const std::string& name) {
    const std::string mark = '\0' + name + '=';
    const std::size_t begin = environment.find(mark) + mark.size();
    return environment.substr(begin, environment.find('\0', begin) - begin);
  };
  const std::string job = variable("SLURM_ARRAY_JOB_ID") + "_" + variable("SLURM_ARRAY_TASK_ID");
  // As Slurm does before it takes the node away.
  cluster_->run("scancel", {"--batch", "--signal=TERM", job});  // Its exit status says nothing.
  EXPECT_TRUE(becomes_true([&] {
    return cluster_->run("scontrol", {"show", "job", job}).output.find("Restarts=1") !=
           std::string::npos;
  })) << cluster_->run("scontrol", {"show", "job", job}).output;
  expect_the_whole();
}

TEST(Slurm, PrintsItsScriptsWithoutSubmitting) {
  const TemporaryFolder folder;
  const std::string sweep = folder.path() / "sweep";
  const ProcessResult result = crudbench({"slurm", "submit", sample_config(), "-o", sweep,
                                          "--shards", "6", "--nodes", "2", "--dry-run"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("#SBATCH --array=\"1-6%2\""));
  EXPECT_FALSE(std::filesystem::exists(sweep));
}

TEST(Slurm, RefusesAWrongConfigurationBeforeAnyJob) {
  const TemporaryFolder folder;
  const ProcessResult result =
      crudbench({"slurm", "submit", folder.write("c.json", "{}"), "-o", folder.path() / "sweep"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("/dataset"));
  EXPECT_EQ(crudbench({"slurm", "status", "-o", folder.path() / "none"}).exit_status, 3);
}

}  // namespace
}  // namespace crudbench
