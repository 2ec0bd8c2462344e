# Each target is a script of its own; read that. `make run` and `make test` install what is missing first.
.DEFAULT_GOAL := help
.PHONY: help run test soak bench package dev lint format bindings setup

help:
	@echo 'make run       install what is missing, build, open the desk'
	@echo 'make test      lints and every test; what CI runs'
	@echo 'make soak      the same tests at their full counts; takes long'
	@echo 'make bench     measure a release build; NAME=wire for one of them'
	@echo 'make package   build a .deb'
	@echo 'make dev       the desk with hot reload'
	@echo 'make lint      format check, clippy, type check'
	@echo 'make format    format the Rust code'
	@echo 'make bindings  write the TypeScript types of the commands again'
	@echo 'make setup     install what is missing, and no more'

run:      ; @scripts/run.sh
test:     ; @scripts/test.sh
soak:     ; @scripts/test.sh --soak
bench:    ; @scripts/bench.sh $(NAME)
package:  ; @scripts/package.sh
dev:      ; @scripts/dev.sh
lint:     ; @scripts/setup.sh && scripts/ui.sh && scripts/lint.sh
format:   ; @cargo fmt --all
bindings: ; @scripts/bindings.sh
setup:    ; @scripts/setup.sh
