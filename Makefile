# What there is to do here. `make` alone lists it.
#
# SWIFT_FLAGS is passed to every build, for example: make test SWIFT_FLAGS="-Xswiftc -warnings-as-errors"
SWIFT_FLAGS ?=
export SWIFT_FLAGS

.PHONY: help setup demo test test-kafka demo-restart check-benchmarks format lint

help:
	@echo "make demo          set up the machine, and count the words of a book"
	@echo "make test          set up the machine, and run all tests"
	@echo "make test-kafka    run the tests that start real Kafka brokers (needs Java and shared/kafka beside the package); minutes"
	@echo "make demo-restart  kill the word count with -9 again and again, and compare its counts with those of an undisturbed run"
	@echo "make check-benchmarks  count what the hot parts take, and compare with what they may"
	@echo "make format        format all Swift files"
	@echo "make lint          check the format of Swift files and shell scripts"
	@echo "make setup         only set up: install the system packages that are missing"

setup:
	@Scripts/setup

demo: setup
	swift run $(SWIFT_FLAGS) -c release WordCount

test: setup
	swift test $(SWIFT_FLAGS)

test-kafka: setup
	MILLRACE_KAFKA_TESTS=1 swift test $(SWIFT_FLAGS) --filter 'RealKafkaTests|BrokerDirectoryTests|RealGroupTests|KafkaTransportTests|OpenTransactionTests|SharedTasksTests|MockClusterTests|LeaderTests'

demo-restart: setup
	@Scripts/demo-restart

check-benchmarks: setup
	@Scripts/check-benchmarks

format:
	git ls-files -z '*.swift' | xargs -0 swift format --in-place --parallel

lint:
	@Scripts/lint
